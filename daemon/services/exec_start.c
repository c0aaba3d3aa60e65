/* SPDX-License-Identifier: MIT */
#include "services/exec_start.h"

#include <errno.h>
#include <poll.h>
#include <preforkd/module.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "sandbox/group.h"
#include "sandbox/private_pids.h"
#include "services/conn.h"
#include "services/exec_env.h"
#include "services/exec_errors.h"
#include "services/spawn.h"

#define PATIENCE_MS    10000 /* how long the start is tried again while the system lacks resources */
#define PAUSE_FIRST_MS 50    /* between two tries; doubles */
#define PAUSE_LAST_MS  1000

/* A lack of processes, descriptors or memory may pass: the client waits a little and is not lost. */
static bool may_pass(int code)
{
	return code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE;
}

/* Whether clone3(2) cannot put a process into a group, for a reason that stays: an older kernel, a filter of system
 * calls, or a right that is lacking. */
static bool cannot_clone(int code)
{
	return code == ENOSYS || code == EPERM || code == EACCES || code == E2BIG || code == EINVAL ||
	       code == EOPNOTSUPP;
}

static pid_t try_to_start(struct preforkd_conn *conn, int *pidfd_out, struct err *err)
{
	struct spawn spawn = {
		.path = conn->service->command[0],
		.argv = conn->service->program.argv,
		.envp = exec_env(conn),
		.socket = conn->fd,
		.errors = exec_errors_open(conn->service->program.log_rate, err),
	};
	pid_t pid;

	if (spawn.errors < 0)
		return -1;
	group_place(&spawn.group, &spawn.group_procs);
	pid = spawn_program(&spawn, pidfd_out, err);
	if (pid > 0 || spawn.group < 0 || !cannot_clone(err->code))
		return pid;
	group_without_clone();
	group_place(&spawn.group, &spawn.group_procs);
	return spawn_program(&spawn, pidfd_out, err);
}

pid_t exec_start(struct preforkd_conn *conn, int *pidfd_out, const sigset_t *open)
{
	static struct log_limit limit;
	int64_t pause_ms = PAUSE_FIRST_MS, end = clock_ms() + PATIENCE_MS;
	struct timespec rest;
	struct err err;
	unsigned missed;
	pid_t pid;

	for (;;) {
		pid = try_to_start(conn, pidfd_out, &err);
		if (pid > 0)
			return pid;
		if (!may_pass(err.code) || clock_ms() >= end || preforkd_ended(conn))
			break;
		if (log_limit(&limit, &missed))
			preforkd_log(conn, LOG_WARNING, "%s; trying again", err.text);
		(void)ppoll(NULL, 0, clock_until(clock_ms() + pause_ms, &rest), open);
		if (pause_ms < PAUSE_LAST_MS)
			pause_ms *= 2;
	}
	conn->unserved = true;
	conn->unfit = private_pids_are_lost();
	return preforkd_fail(conn, "%s", err.text);
}
