/* SPDX-License-Identifier: MIT */
/*
 * Runs a program for each client, inetd's way: the socket on 0 and 1, standard error into the log.
 * The worker waits beside it, keeps the time limits, sees when the client is gone, and ends all that the program
 * leaves.
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
#include "services/conn_say.h"
#include "services/deadline.h"
#include "services/descendants.h"
#include "services/exec_env.h"
#include "services/exec_errors.h"
#include "services/hangup.h"
#include "services/kinds.h"
#include "services/spawn.h"

#define GRACE_MS	2000  /* between SIGTERM and SIGKILL */
#define PATIENCE_MS	10000 /* for a system that lacks what a program needs */
#define OTHERS_MS	100   /* between two looks at what a program has left at work */
#define RUSH_MS		1000  /* a program for a socket that has ended within it while more waits is in a rush: */
#define RUSH_MOST	100   /* so often in a row without a pause, */
#define RUSH_PAUSE_MS	100   /* and then with one before the next, */
#define FAILED_PAUSE_MS 1000  /* or after a failure: what it did not take must not have it started without end */
#define PAUSE_FIRST_MS	50    /* between two tries; doubles */
#define PAUSE_LAST_MS	1000

static int worker_start(void)
{
	descendants_init();
	spawn_init();
	return 0;
}

/* The time until then, as ppoll(2) wants it. */
static const struct timespec *rest_of(int64_t ms, struct timespec *out)
{
	int64_t rest = ms - clock_ms();

	if (rest < 0)
		rest = 0;
	*out = (struct timespec){.tv_sec = rest / 1000, .tv_nsec = rest % 1000 * 1000000};
	return out;
}

struct wait {
	struct preforkd_conn *conn;
	pid_t pid;
	int64_t kill_ms; /* told to end: is killed then; 0: not told */
	struct hangup hangup;
	bool gone;  /* the client is, and that is why it was told */
	bool asked; /* one that serves a socket was asked to leave, in its own time */
};

/* Ends the program if a limit or the client's leaving says so. */
static void tell(struct wait *w)
{
	if (w->conn->ordered_to_leave != NULL && !w->asked && w->conn->ordered_to_leave()) {
		/* not its group: there are those who serve a client just now */
		(void)kill(w->pid, SIGTERM);
		w->asked = true;
	}
	if (w->kill_ms == 0 && (w->gone || preforkd_ended(w->conn))) {
		(void)kill(-w->pid, deadline_is_orphan() ? SIGKILL : SIGTERM);
		w->kill_ms = clock_ms() + GRACE_MS;
	} else if (w->kill_ms != 0 && clock_ms() >= w->kill_ms) {
		(void)kill(-w->pid, SIGKILL);
		w->kill_ms += GRACE_MS;
	}
}

static void look_at_client(struct wait *w)
{
	if (w->kill_ms == 0 && hangup_look(&w->hangup, clock_ms()))
		w->gone = true;
}

static const struct timespec *until_next(const struct wait *w, struct timespec *out)
{
	if (w->kill_ms != 0)
		return rest_of(w->kill_ms, out);
	return w->hangup.next_ms != 0 ? rest_of(w->hangup.next_ms, out) : NULL;
}

/*
 * Until the program has ended. Signals are blocked and open only inside ppoll(2), so none is lost
 * between a look at what it has set and the wait. True: the client went before it.
 */
static bool wait_program(struct preforkd_conn *conn, pid_t pid, int pidfd, const sigset_t *open)
{
	struct pollfd p[] = {
		{.fd = pidfd, .events = POLLIN},
		{.fd = exec_errors_fd(), .events = POLLIN},
		/* POLLERR and POLLHUP only */
		{.fd = conn->ordered_to_leave == NULL && conn->service->on_hangup == ON_HANGUP_TERM ? conn->fd : -1},
	};
	const struct timespec now = {.tv_sec = 0};
	struct wait w = {.conn = conn, .pid = pid};
	struct timespec rest;

	hangup_begin(&w.hangup, conn->fd);
	for (;;) {
		int n;

		tell(&w);
		n = ppoll(p, 3, until_next(&w, &rest), open);
		if (n > 0 && p[0].revents != 0)
			return w.gone;
		descendants_bury(pid);
		/* once poll has said it, it would say it for ever */
		if (n > 0 && p[2].revents != 0)
			p[2].fd = -1;
		if ((n > 0 && p[2].revents != 0) || (w.hangup.next_ms != 0 && clock_ms() >= w.hangup.next_ms))
			look_at_client(&w);
		if (n <= 0 || p[1].revents == 0)
			continue;
		if (!exec_errors_take(conn))
			p[1].fd = -1;
		/* ppoll(2) lets no signal in while a descriptor is ready, and a program that never
		 * stops writing would keep the time limits out */
		(void)ppoll(NULL, 0, &now, open);
	}
}

static int judge(struct preforkd_conn *conn, const siginfo_t *info, bool gone)
{
	const char *program = conn->service->command[0];

	if (preforkd_ended(conn)) {
		conn_say_cut(conn);
		return -1;
	}
	if (gone) {
		conn_say_lost(conn, hangup_reason(conn->fd));
		return -1;
	}
	if (conn->ordered_to_leave != NULL && conn->ordered_to_leave() && info->si_code == CLD_KILLED &&
	    info->si_status == SIGTERM)
		return 0;
	if (info->si_code == CLD_EXITED && info->si_status == 0)
		return 0;
	if (info->si_code == CLD_EXITED)
		return preforkd_fail(conn, "%s exited with status %d", program, info->si_status);
	conn->unserved = true;
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
	const struct spawn spawn = {
		.argv = conn->service->command,
		.envp = exec_env(conn),
		.socket = conn->fd,
		.errors = exec_errors_open(err),
	};

	if (spawn.errors < 0)
		return -1;
	return spawn_program(&spawn, pidfd_out, err);
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
			break;
		if (log_limit(&limit, &missed))
			preforkd_log(conn, LOG_WARNING, "%s; trying again", err.text);
		(void)ppoll(NULL, 0, rest_of(clock_ms() + pause_ms, &rest), open);
		if (pause_ms < PAUSE_LAST_MS)
			pause_ms *= 2;
	}
	conn->unserved = true;
	return preforkd_fail(conn, "%s", err.text);
}

static void end_others(struct preforkd_conn *conn)
{
	if (!descendants_end()) {
		preforkd_log(conn, LOG_WARNING,
			     "%s left something behind that could not be ended; the worker is replaced",
			     conn->service->command[0]);
		conn->spent = true; /* then the master gets it, who may do more */
	}
	exec_errors_finish(conn);
}

/* One program, from its start to its end. */
static int run(struct preforkd_conn *conn, const sigset_t *open)
{
	siginfo_t info = {.si_code = 0};
	int pidfd;
	pid_t pid = start(conn, &pidfd, open);
	bool gone;

	if (pid < 0)
		return -1;
	conn_limit(conn, true);
	gone = wait_program(conn, pid, pidfd, open);
	/* What is left of its group goes too, while the zombie still holds the number; but not who serves a client
	 * yet. */
	if (conn->ordered_to_leave == NULL || preforkd_ended(conn) || !descendants_has_others(pid))
		(void)kill(-pid, SIGKILL);
	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 && errno == EINTR)
		;
	fd_close(&pidfd);
	return judge(conn, &info, gone);
}

static int run_for_client(struct preforkd_conn *conn, const sigset_t *open)
{
	struct tcp_traffic traffic;
	int rc = run(conn, open);

	end_others(conn);
	if (tcp_info_traffic(conn->fd, &traffic) == 0)
		conn_count(conn, traffic.in > conn->header ? traffic.in - conn->header : 0,
			   traffic.out + tcp_info_pending(conn->fd));
	return rc;
}

static bool is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/* How long to wait before the next program is started for the socket of CONN, of which one has just ended with RC. */
static int64_t pause_after(struct preforkd_conn *conn, int rc, int64_t started_ms)
{
	static struct log_limit limit;
	static unsigned rushes;
	unsigned missed;

	if (!is_readable(conn->fd) || clock_ms() - started_ms > RUSH_MS)
		rushes = 0;
	else if (rc < 0)
		return FAILED_PAUSE_MS;
	else if (rushes++ >= RUSH_MOST) {
		if (log_limit(&limit, &missed))
			preforkd_log(conn, LOG_WARNING,
				     "%s ends again and again while datagrams wait; it is started %d times a second",
				     conn->service->command[0], 1000 / RUSH_PAUSE_MS);
		return RUSH_PAUSE_MS;
	}
	return 0;
}

/*
 * A program that serves a socket may have left others at work, one for each of its clients. While they are there, the
 * next datagram is for the next program: then true. They end by themselves, or with the order to leave at once.
 */
static bool wait_for_others(struct preforkd_conn *conn, int64_t next_ms, const sigset_t *open)
{
	const struct timespec nap = {.tv_nsec = OTHERS_MS * 1000000L}, now = {.tv_sec = 0};
	struct pollfd p[] = {{.fd = exec_errors_fd(), .events = POLLIN}, {.events = POLLIN}};

	for (;;) {
		bool paused = clock_ms() < next_ms;

		(void)ppoll(NULL, 0, &now, open); /* as in wait_program() */
		descendants_bury(0);
		if (preforkd_ended(conn) || (!descendants_has_others(0) && (!paused || conn->ordered_to_leave())))
			return false;
		p[1].fd = paused || conn->ordered_to_leave() ? -1 : conn->fd;
		if (ppoll(p, 2, &nap, open) <= 0)
			continue;
		if (p[0].revents != 0)
			(void)exec_errors_take(conn);
		if (p[1].revents != 0)
			return true;
	}
}

static int run_for_socket(struct preforkd_conn *conn, const sigset_t *open)
{
	int64_t started_ms;
	int rc;

	for (;;) {
		started_ms = clock_ms();
		rc = run(conn, open);
		if (!wait_for_others(conn, clock_ms() + pause_after(conn, rc, started_ms), open))
			break;
		if (rc < 0)
			preforkd_log(conn, LOG_NOTICE, "%s", conn->reason);
	}
	end_others(conn);
	return rc;
}

static int serve(struct preforkd_conn *conn)
{
	sigset_t all, before;
	int rc;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	rc = conn->ordered_to_leave != NULL ? run_for_socket(conn, &before) : run_for_client(conn, &before);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

const struct preforkd_module service_exec = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(service_exec),
	.name = "exec",
	.summary = "runs a program for each client, or for the datagrams of a socket, which is its input and output",
	.flags = PREFORKD_STREAM | PREFORKD_DATAGRAM | PREFORKD_COMMAND,
	.serve = serve,
	.worker_start = worker_start,
};
