/* SPDX-License-Identifier: MIT */
#include "fleet/waiting.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

static void log_failure(const char *service, const char *why)
{
	const struct log_about about = {.service = service};

	log_about(LOG_WARNING, &about, "%s; the service is optional: it waits, and is tried again", why);
}

void waiting_failed(struct waiting **waiting, const char *service, const char *why)
{
	struct waiting *w = *waiting;
	int64_t now = clock_ms();

	if (w == NULL) {
		if (service != NULL)
			log_failure(service, why);
		w = *waiting = calloc(1, sizeof(*w));
		if (w == NULL)
			return;
		w->trial.fd = -1;
		w->since_ms = now;
	}
	(void)snprintf(w->why, sizeof(w->why), "%s", why);
	w->delay_ms = w->delay_ms == 0 ? WAITING_FIRST_MS : w->delay_ms * 2;
	if (w->delay_ms > WAITING_LAST_MS)
		w->delay_ms = WAITING_LAST_MS;
	w->next_ms = now + w->delay_ms;
	w->is_clear = false;
}

void waiting_free(struct waiting **waiting)
{
	if (*waiting == NULL)
		return;
	trial_clear(&(*waiting)->trial);
	free(*waiting);
	*waiting = NULL;
}
