/* SPDX-License-Identifier: MIT */
#include "load_run.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "load_conn.h"
#include "load_plan.h"
#include "load_stats.h"

#define EVENTS_MAX   256
#define STARTS_MAX   64 /* between two looks at what has come back */
#define FDS_RESERVED 16 /* descriptors that are not clients' */

struct run {
	const struct load_plan *plan;
	struct load_stats *stats;
	struct load_conn *conns;  /* plan->clients of them */
	struct load_conn **idle;  /* a stack of those without an exchange */
	unsigned n_idle;
	unsigned n_active;	  /* with an exchange under way */
	struct load_conn *oldest, *newest; /* the active ones, in the order of their start */
	uint64_t started;	  /* exchanges */
	uint64_t begin_ns;
	int epoll;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signo)
{
	(void)signo;
	interrupted = 1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void append(struct run *run, struct load_conn *conn)
{
	conn->next = NULL;
	conn->prev = run->newest;
	if (run->newest != NULL)
		run->newest->next = conn;
	else
		run->oldest = conn;
	run->newest = conn;
	run->n_active++;
}

static void unlink_conn(struct run *run, struct load_conn *conn)
{
	if (conn->prev != NULL)
		conn->prev->next = conn->next;
	else
		run->oldest = conn->next;
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	else
		run->newest = conn->prev;
	run->n_active--;
}

/* Keeps what epoll watches in step with what CONN waits for. */
static int watch(struct run *run, struct load_conn *conn, struct err *err)
{
	struct epoll_event event = { .events = load_conn_wants(conn, run->plan) };

	if (event.events == conn->watched)
		return 0;
	event.data.ptr = conn;
	if (epoll_ctl(run->epoll, conn->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, conn->fd,
		      &event) < 0)
		return err_sys(err, "cannot watch a connection");
	conn->watched = event.events;
	return 0;
}

static void count(struct run *run, const struct load_conn *conn)
{
	struct load_stats *stats = run->stats;

	stats->outcomes[conn->outcome]++;
	if (stats->first_error[conn->outcome] == 0)
		stats->first_error[conn->outcome] = conn->error;
}

/* The exchange of CONN has ended. */
static int conclude(struct run *run, struct load_conn *conn, struct err *err)
{
	const struct load_plan *plan = run->plan;
	struct load_stats *stats = run->stats;
	uint64_t now = now_ns();
	bool ok = conn->outcome == LOAD_OK;

	unlink_conn(run, conn);
	count(run, conn);
	stats->bytes_out += conn->sent;
	stats->bytes_in += conn->received;
	stats->elapsed_ns = now - run->begin_ns;
	if (ok) {
		stats->last_answer_ns = stats->elapsed_ns;
		histogram_add(&stats->latency, now - conn->started_ns);
	}
	if (ok && plan->hold)
		return watch(run, conn, err);
	if (!ok || !plan->keep)
		load_conn_close(conn);
	run->idle[run->n_idle++] = conn;
	return 0;
}

/* A connection that had its answer and was held open is gone, too early. */
static void lose_held(struct run *run, struct load_conn *conn)
{
	run->stats->outcomes[LOAD_OK]--;
	count(run, conn);
	load_conn_close(conn);
}

static bool may_start(const struct run *run, uint64_t now)
{
	const struct load_plan *plan = run->plan;

	if (interrupted || (plan->total > 0 && run->started >= plan->total))
		return false;
	return plan->duration_ns == 0 || now - run->begin_ns < plan->duration_ns;
}

static int start_one(struct run *run, struct err *err)
{
	struct load_conn *conn = run->idle[--run->n_idle];
	enum load_step step;

	if (conn->fd < 0)
		run->stats->connections++;
	conn->started_ns = now_ns();
	append(run, conn);
	step = load_conn_start(conn, run->plan, run->started++, err);
	if (step == LOAD_STEP_FAILED)
		return -1;
	if (step == LOAD_STEP_DONE)
		return conclude(run, conn, err);
	return watch(run, conn, err);
}

/* Starts what is due. *more_out: something was left for the next time. */
static int start_due(struct run *run, bool *more_out, struct err *err)
{
	unsigned budget = STARTS_MAX;

	*more_out = false;
	while (run->n_idle > 0 && may_start(run, now_ns())) {
		if (budget-- == 0) {
			*more_out = true;
			return 0;
		}
		if (start_one(run, err) < 0)
			return -1;
	}
	return 0;
}

static int expire(struct run *run, struct err *err)
{
	uint64_t now = now_ns();
	struct load_conn *conn;

	while ((conn = run->oldest) != NULL && run->plan->timeout_ns > 0 &&
	       now - conn->started_ns >= run->plan->timeout_ns) {
		conn->outcome = LOAD_TIMEOUT;
		conn->error = 0;
		if (conclude(run, conn, err) < 0)
			return -1;
	}
	return 0;
}

/* Milliseconds until the next exchange runs out of time; rounded up, so as not to wake too early. */
static int patience(const struct run *run)
{
	uint64_t now, end, ms;

	if (run->oldest == NULL || run->plan->timeout_ns == 0)
		return -1;
	now = now_ns();
	end = run->oldest->started_ns + run->plan->timeout_ns;
	if (end <= now)
		return 0;
	ms = (end - now + 999999) / 1000000;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

static int handle(struct run *run, const struct epoll_event *event, struct err *err)
{
	struct load_conn *conn = event->data.ptr;
	bool held = conn->state == LOAD_OPEN;
	enum load_step step = load_conn_event(conn, run->plan, event->events);

	if (step == LOAD_STEP_DONE && held) {
		/* With --keep it is silent between two exchanges, and the next one will notice. */
		if (run->plan->hold)
			lose_held(run, conn);
		else
			load_conn_close(conn);
		return 0;
	}
	if (step == LOAD_STEP_DONE)
		return conclude(run, conn, err);
	return watch(run, conn, err);
}

static int loop(struct run *run, struct err *err)
{
	struct epoll_event events[EVENTS_MAX];
	sigset_t mask;

	if (sigprocmask(SIG_SETMASK, NULL, &mask) < 0)
		return err_sys(err, "cannot read the signal mask");
	(void)sigdelset(&mask, SIGINT);
	(void)sigdelset(&mask, SIGTERM);
	for (;;) {
		bool more;
		int i, n;

		if (start_due(run, &more, err) < 0 || expire(run, err) < 0)
			return -1;
		if (interrupted || (run->n_active == 0 && !may_start(run, now_ns())))
			return 0;
		n = epoll_pwait(run->epoll, events, EVENTS_MAX,
				more || run->n_active == 0 ? 0 : patience(run), &mask);
		if (n < 0 && errno != EINTR)
			return err_sys(err, "waiting for the server");
		for (i = 0; i < n; i++) {
			if (handle(run, &events[i], err) < 0)
				return -1;
		}
	}
}

/* Every client is a descriptor. */
static int allow_descriptors(unsigned clients, struct err *err)
{
	rlim_t wanted = (rlim_t)clients + FDS_RESERVED;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(err, "cannot read the limit of open files");
	if (limit.rlim_cur >= wanted)
		return 0;
	if (limit.rlim_max < wanted)
		return err_set(err, "%u clients need %llu descriptors, but the limit of open files is %llu",
			       clients, (unsigned long long)wanted,
			       (unsigned long long)limit.rlim_max);
	limit.rlim_cur = wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(err, "cannot raise the limit of open files to %llu",
			       (unsigned long long)wanted);
	return 0;
}

/* SIGINT and SIGTERM are let through only while the loop waits, so that none comes too early. */
static int catch_signals(struct err *err)
{
	struct sigaction action = { .sa_handler = on_interrupt };
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0 ||
	    sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(err, "cannot catch signals");
	return 0;
}

static uint64_t timeval_ns(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000000000U + (uint64_t)tv.tv_usec * 1000U;
}

static void account_cpu(struct load_stats *stats, const struct rusage *before)
{
	struct rusage after;

	if (getrusage(RUSAGE_SELF, &after) < 0)
		return;
	stats->cpu_user_ns = timeval_ns(after.ru_utime) - timeval_ns(before->ru_utime);
	stats->cpu_system_ns = timeval_ns(after.ru_stime) - timeval_ns(before->ru_stime);
}

static int set_up(struct run *run, struct err *err)
{
	unsigned i, clients = run->plan->clients;

	if (allow_descriptors(clients, err) < 0 || catch_signals(err) < 0)
		return -1;
	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (run->epoll < 0)
		return err_sys(err, "cannot make an epoll instance");
	run->conns = calloc(clients, sizeof(*run->conns));
	run->idle = calloc(clients, sizeof(*run->idle));
	if (run->conns == NULL || run->idle == NULL)
		return err_sys(err, "no memory for %u clients", clients);
	for (i = 0; i < clients; i++) {
		load_conn_init(&run->conns[i]);
		run->idle[run->n_idle++] = &run->conns[i];
	}
	return 0;
}

static void tear_down(struct run *run)
{
	unsigned i;

	for (i = 0; run->conns != NULL && i < run->plan->clients; i++)
		load_conn_close(&run->conns[i]);
	free(run->conns);
	free(run->idle);
	fd_close(&run->epoll);
}

int load_run(const struct load_plan *plan, struct load_stats *stats, struct err *err)
{
	struct run run = { .plan = plan, .stats = stats, .epoll = -1 };
	struct rusage before;
	int rc = set_up(&run, err);

	if (rc == 0) {
		(void)getrusage(RUSAGE_SELF, &before);
		run.begin_ns = now_ns();
		rc = loop(&run, err);
		account_cpu(stats, &before);
	}
	tear_down(&run);
	return rc;
}
