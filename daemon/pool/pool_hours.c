/* SPDX-License-Identifier: MIT */
#include "pool/pool_hours.h"

#include <time.h>

#include "base/week.h"
#include "config/config.h"

#define EVERY_S 10 /* after which a change of the time zone is seen */

void pool_hours_look(struct pool_hours *hours, const struct config_access *access, int64_t now)
{
	bool jumped_back = now < hours->looked;

	if (hours->looked != 0 && !jumped_back && now < hours->until && now - hours->looked < EVERY_S)
		return;
	tzset(); /* reads /etc/localtime again if it has changed */
	hours->open = week_look(access->times, access->n_times, now, &hours->until);
	hours->looked = now;
}
