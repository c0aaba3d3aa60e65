/* SPDX-License-Identifier: MIT */
#include "services/exec_violations.h"

#include <preforkd/module.h>
#include <stddef.h>
#include <stdio.h>

#include "base/log.h"
#include "board/board.h"
#include "config/config.h"
#include "sandbox/violations.h"
#include "services/conn.h"

#define KINDS_MOST 16 /* of calls that are told apart; there is one limit for all others together */

struct kind {
	uint32_t machine;
	int call;
	struct log_limit limit;
};

static struct kind kinds[KINDS_MOST];
static size_t n_kinds;
static struct log_limit others;

int exec_violations_fd(void)
{
	return violations_fd();
}

static struct log_limit *find_limit(const struct violation *v)
{
	for (size_t i = 0; i < n_kinds; i++) {
		if (kinds[i].machine == v->machine && kinds[i].call == v->call)
			return &kinds[i].limit;
	}
	if (n_kinds == KINDS_MOST)
		return &others;
	kinds[n_kinds] = (struct kind){.machine = v->machine, .call = v->call};
	return &kinds[n_kinds++].limit;
}

static void tell(struct preforkd_conn *conn, const struct violation *v)
{
	char name[VIOLATION_NAME_MAX], more[64] = "";
	unsigned missed;

	if (!log_limit(find_limit(v), &missed))
		return;
	(void)violations_name(v->machine, v->call, name, sizeof(name));
	if (missed > 0)
		(void)snprintf(more, sizeof(more), "; %u more since the last such line", missed);
	preforkd_log(conn, LOG_WARNING, "%s (pid %d) tried %s, which sandbox.level forbids%s",
		     conn->service->command[0], (int)v->pid, name, more);
}

void exec_violations_take(struct preforkd_conn *conn, short revents)
{
	struct violation v;

	if (revents == 0 || !violations_take(&v))
		return;
	if (conn->slot != NULL)
		board_count(&conn->slot->violations, 1);
	tell(conn, &v);
}
