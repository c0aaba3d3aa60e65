/* SPDX-License-Identifier: MIT */
/*
 * Runs a program for each client, inetd's way: the socket on 0 and 1, standard error into the log.
 * The worker waits beside it, keeps the time limits, and ends the program's whole process group.
 */
#include <errno.h>
#include <poll.h>
#include <preforkd/module.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "config/config.h"
#include "net/tcp_info.h"
#include "services/conn.h"
#include "services/deadline.h"
#include "services/exec_env.h"
#include "services/exec_errors.h"
#include "services/kinds.h"
#include "services/spawn.h"

#define GRACE_MS 2000	    /* between SIGTERM and SIGKILL */
#define PATIENCE_MS 10000   /* for a system that lacks what a program needs */
#define PAUSE_FIRST_MS 50   /* between two tries; doubles */
#define PAUSE_LAST_MS 1000

static int worker_start(void)
{
	spawn_init();
	return 0;
}

static void start_limits(const struct preforkd_conn *conn)
{
	const struct config_timeouts *t = &conn->service->timeouts;

	if (t->first_byte != 0 || t->idle != 0)
		deadline_watch(t->first_byte != 0 ? conn->start_ms + t->first_byte : 0, t->idle);
}

/* The rest of the grace, as ppoll(2) wants it. */
static const struct timespec *rest_of(int64_t kill_ms, struct timespec *out)
{
	int64_t rest = kill_ms - clock_ms();

	if (rest < 0)
		rest = 0;
	*out = (struct timespec){.tv_sec = rest / 1000, .tv_nsec = rest % 1000 * 1000000};
	return out;
}

/*
 * Until the program has ended. Signals are blocked and open only inside ppoll(2), so none is lost
 * between a look at what it has set and the wait.
 */
static void wait_program(struct preforkd_conn *conn, pid_t pid, int pidfd, const sigset_t *open)
{
	struct pollfd p[] = {
		{.fd = pidfd, .events = POLLIN},
		{.fd = exec_errors_fd(), .events = POLLIN},
	};
	const struct timespec now = {.tv_sec = 0};
	int64_t kill_ms = 0; /* told to end: is killed then */
	struct timespec rest;

	for (;;) {
		if (kill_ms == 0 && preforkd_ended(conn)) {
			(void)kill(-pid, deadline_is_orphan() ? SIGKILL : SIGTERM);
			kill_ms = clock_ms() + GRACE_MS;
		} else if (kill_ms != 0 && clock_ms() >= kill_ms) {
			(void)kill(-pid, SIGKILL);
			kill_ms += GRACE_MS;
		}
		if (ppoll(p, 2, kill_ms != 0 ? rest_of(kill_ms, &rest) : NULL, open) <= 0)
			continue;
		if (p[0].revents != 0)
			return;
		if (!exec_errors_take(conn))
			p[1].fd = -1;
		/* ppoll(2) lets no signal in while a descriptor is ready, and a program that never
		 * stops writing would keep the time limits out */
		(void)ppoll(NULL, 0, &now, open);
	}
}

static int judge(struct preforkd_conn *conn, const siginfo_t *info)
{
	const char *program = conn->service->command[0];

	if (preforkd_ended(conn)) {
		conn_say_cut(conn);
		return -1;
	}
	if (info->si_code == CLD_EXITED && info->si_status == 0)
		return 0;
	if (info->si_code == CLD_EXITED)
		return preforkd_fail(conn, "%s exited with status %d", program, info->si_status);
	return preforkd_fail(conn, "%s was killed by signal %d (SIG%s)%s", program, info->si_status,
			     sigabbrev_np(info->si_status) ? sigabbrev_np(info->si_status) : "?",
			     info->si_code == CLD_DUMPED ? ", core dumped" : "");
}

/* Lack of processes, descriptors or memory passes: the client waits a little rather than be lost. */
static bool may_pass(int code)
{
	return code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE;
}

/* One try. */
static pid_t start_once(struct preforkd_conn *conn, int *pidfd_out, struct err *err)
{
	struct spawn spawn = {
		.argv = conn->service->command,
		.envp = exec_env(conn),
		.socket = conn->fd,
		.errors = exec_errors_open(err),
	};
	pid_t pid;

	if (spawn.errors < 0)
		return -1;
	pid = spawn_program(&spawn, pidfd_out, err);
	fd_close(&spawn.errors);
	if (pid < 0)
		exec_errors_finish(conn);
	return pid;
}

static pid_t start(struct preforkd_conn *conn, int *pidfd_out, const sigset_t *open)
{
	static struct log_limit limit;
	int64_t pause_ms = PAUSE_FIRST_MS, end = clock_ms() + PATIENCE_MS;
	struct timespec rest;
	struct err err;
	unsigned missed;
	pid_t pid;

	for (;;) {
		pid = start_once(conn, pidfd_out, &err);
		if (pid > 0)
			return pid;
		if (!may_pass(err.code) || clock_ms() >= end || preforkd_ended(conn))
			return preforkd_fail(conn, "%s", err.text);
		if (log_limit(&limit, &missed))
			preforkd_log(conn, LOG_WARNING, "%s; trying again", err.text);
		(void)ppoll(NULL, 0, rest_of(clock_ms() + pause_ms, &rest), open);
		if (pause_ms < PAUSE_LAST_MS)
			pause_ms *= 2;
	}
}

static int run(struct preforkd_conn *conn, const sigset_t *open)
{
	struct tcp_traffic traffic;
	siginfo_t info = {.si_code = 0};
	int pidfd;
	pid_t pid = start(conn, &pidfd, open);

	if (pid < 0)
		return -1;
	start_limits(conn);
	wait_program(conn, pid, pidfd, open);
	/* What is left of its group goes too, while the zombie still holds the number. */
	(void)kill(-pid, SIGKILL);
	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 && errno == EINTR)
		;
	fd_close(&pidfd);
	exec_errors_finish(conn);
	if (tcp_info_traffic(conn->fd, &traffic) == 0)
		conn_count(conn, traffic.in, traffic.out);
	return judge(conn, &info);
}

static int serve(struct preforkd_conn *conn)
{
	sigset_t all, before;
	int rc;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	rc = run(conn, &before);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

const struct preforkd_module service_exec = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(service_exec),
	.name = "exec",
	.summary = "runs a program for each client, with the socket as its input and output",
	.flags = PREFORKD_STREAM | PREFORKD_COMMAND,
	.serve = serve,
	.worker_start = worker_start,
};
