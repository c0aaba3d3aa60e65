/* SPDX-License-Identifier: MIT */
#include "services/program_hang.h"

#include <preforkd/module.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "services/conn.h"
#include "services/deadline.h"
#include "services/family.h"

#define AHEAD_MS 20 /* from the look to the limit; a look takes some milliseconds */

static int64_t due_ms; /* 0: no look is due */
static struct family family;
static struct family_limit limit;

void program_hang_begin(const struct preforkd_conn *conn)
{
	int64_t total = conn->ordered_to_leave == NULL ? conn->service->timeouts.total : 0;

	due_ms = total > 0 && !family_rests(&limit, conn->start_ms + total) ? conn->start_ms + total - AHEAD_MS : 0;
	family.n = 0;
}

int64_t program_hang_due(void)
{
	return due_ms;
}

void program_hang_look(void)
{
	if (due_ms == 0 || clock_ms() < due_ms)
		return;
	due_ms = 0;
	family_look(&family, getpid());
}

void program_hang_tell(struct preforkd_conn *conn)
{
	struct log_about about = {.service = preforkd_service(conn), .worker = getpid()};

	if (deadline_passed() != DEADLINE_TOTAL)
		return;
	if (due_ms != 0) /* the limit was faster */
		family_look(&family, getpid());
	about.peer = preforkd_peer(conn);
	family_tell(&about, "timeouts.total", &family, &limit);
}
