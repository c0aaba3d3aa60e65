/* SPDX-License-Identifier: MIT */
/*
 * Worker. Runs a program for each client, as inetd does: the socket is its standard input and output, and its standard
 * error goes into the log. Meanwhile the worker enforces the time limits and finds out whether the client is gone.
 * Processes that the program has started, and that still have the socket when it ends, may finish within the same
 * limits; in the end the worker kills all that are left. With a datagram socket, one program serves all clients for as
 * long as it likes (inetd's "wait").
 */
#include <errno.h>
#include <poll.h>
#include <preforkd/module.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fds.h"
#include "base/log.h"
#include "config/config.h"
#include "net/tcp_info.h"
#include "sandbox/group.h"
#include "sandbox/private_pids.h"
#include "sandbox/private_tmp.h"
#include "services/conn.h"
#include "services/conn_say.h"
#include "services/deadline.h"
#include "services/descendants.h"
#include "services/exec_errors.h"
#include "services/exec_start.h"
#include "services/exec_violations.h"
#include "services/hangup.h"
#include "services/holders.h"
#include "services/kinds.h"
#include "services/program_death.h"
#include "services/program_hang.h"
#include "services/spawn.h"

#define GRACE_MS  2000 /* from SIGTERM to SIGKILL */
#define OTHERS_MS 100  /* between two looks at the processes that a program has left running */
/* The same while they finish a connection: the first pause, which doubles, and the longest one. */
#define FINISH_FIRST_MS 10
#define FINISH_LAST_MS	200
/* A program for a datagram socket that ends within RUSH_MS while a datagram waits is a rush. After RUSH_MOST of them in
 * a row there is a pause before each start. After a failure there always is one: a datagram that the program did not
 * read must not start it again without end. */
#define RUSH_MS		1000
#define RUSH_MOST	100
#define RUSH_PAUSE_MS	100
#define FAILED_PAUSE_MS 1000

static int start_worker(void)
{
	descendants_init();
	spawn_init();
	return 0;
}

struct wait {
	struct preforkd_conn *conn;
	pid_t pid;
	int pidfd;	     /* -1: it has been reaped */
	siginfo_t info;	     /* how it ended, when it has been reaped */
	struct rusage usage; /* likewise: what it has used */
	int64_t kill_ms;     /* it was sent SIGTERM, and gets SIGKILL then; 0: it was not */
	struct hangup hangup;
	bool client_gone;	   /* the client left before the end */
	bool killed;		   /* it was sent SIGKILL */
	bool asked;		   /* a program for a datagram socket was asked to leave: it may take its time */
	bool finishing;		   /* the program has ended, and others that it has started finish the connection */
	int64_t look_ms, pause_ms; /* when to look for them again, and the pause before that */
};

/* Sends SIG to the process group of the program, unless the number of the group may be another one's by now. */
static void signal_group(const struct wait *w, int sig)
{
	if (w->pidfd >= 0 || descendants_have_group(w->pid))
		(void)kill(-w->pid, sig);
}

/* The system call, because the C library's waitid(3) does not pass the usage on. */
static void reap_program(struct wait *w)
{
	while (w->pidfd >= 0 && syscall(SYS_waitid, P_PIDFD, w->pidfd, &w->info, WEXITED, &w->usage) < 0 &&
	       errno == EINTR)
		;
	fd_close(&w->pidfd);
}

/* Sends the program SIGTERM if a limit has passed, or the client is gone; and SIGKILL if that was GRACE_MS ago. */
static void end_if_due(struct wait *w)
{
	program_hang_look(); /* before a limit ends the connection */
	if (w->conn->ordered_to_leave != NULL && !w->asked && w->conn->ordered_to_leave()) {
		/* not its group: other processes in it may be serving a client */
		(void)kill(w->pid, SIGTERM);
		w->asked = true;
	}
	if (w->kill_ms == 0 && (w->client_gone || preforkd_ended(w->conn))) {
		program_hang_tell(w->conn);
		signal_group(w, deadline_is_orphan() ? SIGKILL : SIGTERM);
		w->kill_ms = clock_ms() + GRACE_MS;
	} else if (w->kill_ms != 0 && clock_ms() >= w->kill_ms) {
		signal_group(w, SIGKILL);
		w->kill_ms += GRACE_MS;
		w->killed = true;
	}
}

static void look_at_client(struct wait *w)
{
	if (w->kill_ms == 0 && hangup_look(&w->hangup, clock_ms()))
		w->client_gone = true;
}

static const struct timespec *wait_time(const struct wait *w, struct timespec *out)
{
	int64_t at = w->kill_ms != 0 ? w->kill_ms : w->hangup.next_ms;

	if (w->finishing && (at == 0 || w->look_ms < at))
		at = w->look_ms;
	if (program_hang_due() != 0 && (at == 0 || program_hang_due() < at))
		at = program_hang_due();
	return at != 0 ? clock_until(at, out) : NULL;
}

/* The program has ended. True: others still have its connection, and may finish it. */
static bool others_finish(struct wait *w)
{
	int64_t now;

	if (w->conn->ordered_to_leave != NULL || w->killed || !descendants_are_running())
		return false;
	now = clock_ms();
	if (w->finishing && now < w->look_ms)
		return true;
	reap_program(w); /* one of the others may wait for that */
	if (!holders_are_left(w->conn->fd))
		return false;
	w->pause_ms = w->finishing ? 2 * w->pause_ms : FINISH_FIRST_MS;
	if (w->pause_ms > FINISH_LAST_MS)
		w->pause_ms = FINISH_LAST_MS;
	w->look_ms = now + w->pause_ms;
	w->finishing = true;
	return true;
}

/*
 * Waits until the program has ended, and others have finished its connection. If there are no others, the program is
 * not reaped. Signals are unblocked (mask OPEN) only inside ppoll(2), so a signal cannot come between the check of what
 * its handler sets and the wait.
 */
static void wait_program(struct wait *w, const sigset_t *open)
{
	struct preforkd_conn *conn = w->conn;
	struct pollfd p[] = {
		{.fd = w->pidfd, .events = POLLIN},
		{.fd = exec_errors_fd(), .events = POLLIN},
		/* POLLERR and POLLHUP only */
		{.fd = conn->ordered_to_leave == NULL && conn->service->on_hangup == ON_HANGUP_TERM ? conn->fd : -1},
		{.fd = exec_violations_fd(), .events = POLLIN},
	};
	const struct timespec now = {.tv_sec = 0};
	struct timespec rest;
	bool ended = false;

	hangup_begin(&w->hangup, conn->fd);
	program_hang_begin(conn);
	for (;;) {
		int n;

		end_if_due(w);
		n = ppoll(p, 4, wait_time(w, &rest), open);
		if (n > 0 && p[0].revents != 0) {
			/* that it had to be ended holds for all that it has started */
			if (w->kill_ms != 0)
				return;
			ended = true;
			p[0].fd = -1;
		}
		if (ended && !others_finish(w))
			return;
		descendants_reap(w->pidfd >= 0 ? w->pid : 0);
		/* after one event ppoll(2) would report the same one again at once */
		if (n > 0 && p[2].revents != 0)
			p[2].fd = -1;
		if ((n > 0 && p[2].revents != 0) || (w->hangup.next_ms != 0 && clock_ms() >= w->hangup.next_ms))
			look_at_client(w);
		if (n <= 0 || (p[1].revents == 0 && p[3].revents == 0))
			continue;
		exec_violations_take(conn, p[3].revents);
		if (p[1].revents != 0 && !exec_errors_take(conn))
			p[1].fd = -1;
		/* ppoll(2) lets no signal in while a descriptor is ready: a program that never stops writing to its
		 * standard error, or making forbidden calls, would keep the timer of the limits out */
		(void)ppoll(NULL, 0, &now, open);
	}
}

/* The result of serving: 0, or -1 with a reason. */
static int judge_end(struct preforkd_conn *conn, const struct wait *w)
{
	const siginfo_t *info = &w->info;

	if (preforkd_ended(conn)) {
		conn_say_cut(conn);
		return -1;
	}
	if (w->client_gone) {
		conn_say_lost(conn, hangup_reason(conn->fd));
		return -1;
	}
	if (conn->ordered_to_leave != NULL && conn->ordered_to_leave() && info->si_code == CLD_KILLED &&
	    info->si_status == SIGTERM)
		return 0;
	if (info->si_code == CLD_EXITED && info->si_status == 0)
		return 0;
	return program_death_note(conn, w->pid, info, &w->usage);
}

/* KILLED processes were left when the connection ended. That a program is ended with all that it has started needs no
 * line. */
static void say_left(struct preforkd_conn *conn, const struct wait *w, unsigned killed)
{
	const char *program = conn->service->command[0];
	static struct log_limit limit;
	unsigned missed;

	if (preforkd_ended(conn) || w->client_gone) {
		if (w->finishing && log_limit(&limit, &missed))
			preforkd_log(conn, LOG_NOTICE,
				     "%s had ended, but processes that it had started still had the connection; "
				     "they were ended",
				     program);
	} else if (killed > 0 && log_limit(&limit, &missed)) {
		preforkd_log(conn, LOG_NOTICE, "%s left %u process%s behind that did not have the connection; killed",
			     program, killed, killed == 1 ? "" : "es");
	}
}

/* Ends all that is left of a program that has been reaped. */
static void end_others(struct preforkd_conn *conn, const struct wait *w)
{
	unsigned killed;

	if (group_is_populated())
		group_kill(); /* at once, and without the right to kill each of them */
	if (descendants_end(&killed)) {
		say_left(conn, w, killed);
	} else {
		preforkd_log(conn, LOG_WARNING,
			     "%s left something behind that could not be ended; the worker is replaced",
			     conn->service->command[0]);
		conn->unfit = private_pids_are_made();
		conn->spent = true; /* when this worker ends, the master gets the process, and may have the right to
				       kill it */
	}
	exec_errors_finish(conn);
}

/* Without its pid namespace no program of another client could be started. */
static void check_pids(struct preforkd_conn *conn)
{
	if (conn->unfit || !private_pids_are_lost())
		return;
	preforkd_log(conn, LOG_WARNING, "the first process of its pid namespace was ended; the worker leaves");
	conn->unfit = true;
}

/* Nothing of this client is left for the program of the next one. */
static void clean_tmp(struct preforkd_conn *conn)
{
	if (private_tmp_clean())
		return;
	preforkd_log(conn, LOG_WARNING, "%s left files in its private /tmp that cannot be removed; the worker leaves",
		     conn->service->command[0]);
	conn->unfit = true;
}

/* Runs one program from its start to its end. */
static int run_program(struct preforkd_conn *conn, struct wait *w, const sigset_t *open)
{
	*w = (struct wait){.conn = conn, .pidfd = -1};
	conn->death = NULL;
	w->pid = exec_start(conn, &w->pidfd, open);
	if (w->pid < 0)
		return -1;
	conn_limit(conn, true);
	wait_program(w, open);
	/* Kill what is left of its group while the zombie keeps the pid taken; but not processes that still serve
	 * clients of a datagram socket. */
	if (conn->ordered_to_leave == NULL || preforkd_ended(conn) || !descendants_has_others(w->pid))
		signal_group(w, SIGKILL);
	reap_program(w);
	return judge_end(conn, w);
}

/* A program's bytes do not pass through this process: the kernel has counted them, but not on a unix socket. */
static void count_bytes(struct preforkd_conn *conn)
{
	struct tcp_traffic traffic;
	uint64_t in, out;

	if (!deadline_was_reset(&in, &out)) {
		if (tcp_info_traffic(conn->fd, &traffic) < 0)
			return;
		in = traffic.in;
		out = traffic.out + tcp_info_pending(conn->fd);
	}
	/* the banner has been counted already */
	conn_count(conn, in > conn->header ? in - conn->header : 0, out > conn->out ? out - conn->out : 0);
}

static int run_for_client(struct preforkd_conn *conn, const sigset_t *open)
{
	struct wait w;
	int rc = run_program(conn, &w, open);

	end_others(conn, &w);
	check_pids(conn);
	clean_tmp(conn);
	count_bytes(conn);
	program_death_publish(conn);
	return rc;
}

static bool is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/* How long to wait before the next program is started for the datagram socket: the last one was started at STARTED_MS,
 * and ended with RC. */
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
 * A program for a datagram socket may have left processes running, for instance one for each of its clients. Waits
 * while there are any, and until NEXT_MS. Returns true when a datagram comes: it is for the next program. Returns false
 * when none is left, or when this worker must leave now.
 */
static bool wait_for_others(struct preforkd_conn *conn, int64_t next_ms, const sigset_t *open)
{
	const struct timespec nap = {.tv_nsec = OTHERS_MS * 1000000L}, now = {.tv_sec = 0};
	struct pollfd p[] = {{.fd = exec_errors_fd(), .events = POLLIN},
			     {.events = POLLIN},
			     {.fd = exec_violations_fd(), .events = POLLIN}};

	for (;;) {
		bool paused = clock_ms() < next_ms;

		(void)ppoll(NULL, 0, &now, open); /* lets signals in, as in wait_program() */
		descendants_reap(0);
		if (preforkd_ended(conn) || (!descendants_has_others(0) && (!paused || conn->ordered_to_leave())))
			return false;
		p[1].fd = paused || conn->ordered_to_leave() ? -1 : conn->fd;
		if (ppoll(p, 3, &nap, open) <= 0)
			continue;
		exec_violations_take(conn, p[2].revents);
		if (p[0].revents != 0)
			(void)exec_errors_take(conn);
		if (p[1].revents != 0)
			return true;
	}
}

static int run_for_socket(struct preforkd_conn *conn, const sigset_t *open)
{
	int64_t started_ms;
	struct wait w;
	int rc;

	for (;;) {
		started_ms = clock_ms();
		rc = run_program(conn, &w, open);
		program_death_publish(conn);
		if (!wait_for_others(conn, clock_ms() + pause_after(conn, rc, started_ms), open))
			break;
		if (conn->death != NULL)
			program_death_log(conn, LOG_NOTICE, "");
		else if (rc < 0)
			preforkd_log(conn, LOG_NOTICE, "%s", conn->reason);
	}
	end_others(conn, &w);
	clean_tmp(conn);
	return rc;
}

static int serve_exec(struct preforkd_conn *conn)
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
	.serve = serve_exec,
	.worker_start = start_worker,
	.worker_stop = private_pids_stop,
};
