/* SPDX-License-Identifier: MIT */
#include "worker/connection_log.h"

#include <preforkd/module.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"
#include "services/conn.h"
#include "services/deadline.h"
#include "services/program_death.h"

/* Clients that hang up or are SILENT are logged now and then only, unless all connections are logged: anybody can cause
 * many of them at no cost. */
static void log_bad_end(struct preforkd_conn *conn, bool silent, const char *via, enum config_log_connections which)
{
	int priority = conn->probe ? LOG_DEBUG : conn->hung_up ? LOG_INFO : LOG_NOTICE;
	static struct log_limit limit;
	unsigned missed = 0;
	char more[80] = "";

	if (which == LOG_CONNECTIONS_NONE || !log_enabled(priority) ||
	    (which == LOG_CONNECTIONS_ERRORS && (conn->hung_up || silent) && !log_limit(&limit, &missed)))
		return;
	if (missed > 0)
		(void)snprintf(more, sizeof(more), "; %u more of this worker's clients since the last such line",
			       missed);
	if (conn->death != NULL)
		program_death_log(conn, priority, more);
	else
		preforkd_log(conn, priority, "%s%s%s", conn->reason, via, more);
}

void connection_log(struct preforkd_conn *conn, bool failed, bool silent, enum config_log_connections which)
{
	/* the master logs these, for many clients at once */
	bool logged_elsewhere = (deadline_was_cut() && !deadline_is_orphan()) || deadline_passed() == DEADLINE_EVICTED;
	char age[32], via[CONN_VIA_MAX];

	(void)conn_via_text(conn, via, sizeof(via));
	if (failed && !logged_elsewhere)
		log_bad_end(conn, silent, via, which);
	if (which != LOG_CONNECTIONS_ALL || (failed && conn->death != NULL)) /* that line says all */
		return;
	format_elapsed(clock_coarse_ms() - conn->start_ms, age, sizeof(age));
	preforkd_log(conn, conn->probe ? LOG_DEBUG : LOG_INFO, "%s after %s, %llu bytes in, %llu bytes out%s",
		     conn->probe ? "probe, done" : "done", age, (unsigned long long)conn->in,
		     (unsigned long long)conn->out, via);
}
