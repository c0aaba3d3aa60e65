/* SPDX-License-Identifier: MIT */
#include "load_loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fds.h"
#include "load_conn.h"
#include "load_plan.h"

#define EVENTS_MAX 256
#define STARTS_MAX 64 /* exchanges that are started before epoll_wait(2) is called again */
#define SECOND_NS  UINT64_C(1000000000)

uint64_t load_loop_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static void append_conn(struct load_loop *loop, struct load_conn *conn)
{
	conn->next = NULL;
	conn->prev = loop->newest;
	if (loop->newest != NULL)
		loop->newest->next = conn;
	else
		loop->oldest = conn;
	loop->newest = conn;
	loop->n_active++;
}

static void unlink_conn(struct load_loop *loop, struct load_conn *conn)
{
	if (conn->prev != NULL)
		conn->prev->next = conn->next;
	else
		loop->oldest = conn->next;
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	else
		loop->newest = conn->prev;
	loop->n_active--;
}

/* Makes epoll watch for the events that CONN waits for. */
static int watch_conn(struct load_loop *loop, struct load_conn *conn)
{
	struct epoll_event event = {.events = load_conn_wants(conn, loop->plan)};

	if (event.events == conn->watched)
		return 0;
	event.data.ptr = conn;
	if (epoll_ctl(loop->epoll, conn->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, conn->fd, &event) < 0)
		return err_sys(&loop->err, "cannot watch a connection");
	conn->watched = event.events;
	return 0;
}

/* Only this thread writes the counters: no atomic addition is needed. */
static void add_to_counter(_Atomic uint64_t *counter, int step)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + (uint64_t)(int64_t)step, memory_order_relaxed);
}

static void count_outcome(struct load_loop *loop, enum load_outcome outcome, int error)
{
	struct load_stats *stats = &loop->stats;

	stats->outcomes[outcome]++;
	if (stats->first_error[outcome] == 0)
		stats->first_error[outcome] = error;
	add_to_counter(outcome == LOAD_OK ? &loop->ok_now : &loop->lost_now, 1);
}

/* The exchange of CONN has ended: counts it, and closes or keeps the connection. */
static int end_exchange(struct load_loop *loop, struct load_conn *conn)
{
	const struct load_plan *plan = loop->plan;
	struct load_stats *stats = &loop->stats;
	uint64_t now = load_loop_now();
	bool ok = conn->outcome == LOAD_OK;

	unlink_conn(loop, conn);
	count_outcome(loop, conn->outcome, conn->error);
	stats->bytes_out += conn->sent;
	stats->bytes_in += conn->received;
	stats->elapsed_ns = now - loop->shared->begin_ns;
	if (ok) {
		stats->last_answer_ns = stats->elapsed_ns;
		histogram_add(&stats->latency, now - conn->due_ns);
	}
	if (ok && plan->hold)
		return watch_conn(loop, conn);
	if (!ok || !plan->keep)
		load_conn_close(conn);
	loop->idle[loop->n_idle++] = conn;
	return 0;
}

/* The server has ended a connection that had its answer and was held open. */
static void drop_held(struct load_loop *loop, struct load_conn *conn)
{
	loop->stats.outcomes[LOAD_OK]--;
	add_to_counter(&loop->ok_now, -1);
	count_outcome(loop, conn->outcome, conn->error);
	load_conn_close(conn);
}

/* No exchange is started any more: the loop was stopped, the number is reached, or the time of a closed loop is over.
 */
static bool is_over(const struct load_loop *loop, uint64_t now)
{
	const struct load_pace *pace = &loop->pace;
	uint64_t since = now - loop->shared->begin_ns;

	if (atomic_load_explicit(&loop->shared->stop, memory_order_relaxed) || loop->started >= pace->total)
		return true;
	if (pace->duration_ns == 0 || since < pace->duration_ns)
		return false;
	/* An open loop starts an exchange that is due even if it is late, unless no client is free. */
	return pace->rate <= 0 || loop->n_idle == 0 || loop->started >= load_pace_due(pace, since);
}

static int start_exchange(struct load_loop *loop, uint64_t now)
{
	struct load_conn *conn = loop->idle[--loop->n_idle];
	enum load_step step;

	if (conn->fd < 0)
		loop->stats.connections++;
	conn->started_ns = conn->due_ns = now;
	if (loop->pace.rate > 0)
		conn->due_ns = loop->shared->begin_ns + load_pace_time(&loop->pace, loop->started);
	append_conn(loop, conn);
	loop->started++;
	step = load_conn_start(conn, loop->plan, loop->serial, &loop->err);
	loop->serial += loop->serial_step;
	if (step == LOAD_STEP_FAILED)
		return -1;
	if (step == LOAD_STEP_DONE)
		return end_exchange(loop, conn);
	return watch_conn(loop, conn);
}

/* Starts exchanges that are due. *more_out: some are left for the next call. */
static int start_due_exchanges(struct load_loop *loop, bool *more_out)
{
	unsigned budget = STARTS_MAX;

	*more_out = false;
	while (loop->n_idle > 0) {
		uint64_t now = load_loop_now();

		if (is_over(loop, now) || loop->started >= load_pace_due(&loop->pace, now - loop->shared->begin_ns))
			return 0;
		if (budget-- == 0) {
			*more_out = true;
			return 0;
		}
		if (start_exchange(loop, now) < 0)
			return -1;
	}
	return 0;
}

static int expire_exchanges(struct load_loop *loop)
{
	uint64_t now = load_loop_now();
	struct load_conn *conn;

	while ((conn = loop->oldest) != NULL && loop->plan->timeout_ns > 0 &&
	       now - conn->started_ns >= loop->plan->timeout_ns) {
		conn->outcome = LOAD_TIMEOUT;
		conn->error = 0;
		if (end_exchange(loop, conn) < 0)
			return -1;
	}
	return 0;
}

/* Wakes an open loop for its next exchange, if a client is free for it, and at the end of its time. */
static int arm_timer(struct load_loop *loop)
{
	struct itimerspec when = {.it_value.tv_sec = 0};
	uint64_t end = loop->pace.duration_ns > 0 ? loop->pace.duration_ns : UINT64_MAX;
	uint64_t at = loop->n_idle > 0 ? load_pace_time(&loop->pace, loop->started) : UINT64_MAX;

	if (at > end)
		at = end;
	if (at == UINT64_MAX)
		return 0;
	at += loop->shared->begin_ns;
	if (at == loop->armed_ns)
		return 0;
	when.it_value.tv_sec = (time_t)(at / SECOND_NS);
	when.it_value.tv_nsec = (long)(at % SECOND_NS);
	if (timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		return err_sys(&loop->err, "cannot set a timer");
	loop->armed_ns = at;
	return 0;
}

/* Milliseconds until an exchange runs out of time or a second is full; rounded up. */
static int get_timeout(const struct load_loop *loop)
{
	uint64_t now = load_loop_now(), end = UINT64_MAX, ms;

	if (loop->oldest != NULL && loop->plan->timeout_ns > 0)
		end = loop->oldest->started_ns + loop->plan->timeout_ns;
	if (loop->on_second != NULL && loop->next_second_ns < end)
		end = loop->next_second_ns;
	if (end == UINT64_MAX)
		return -1;
	if (end <= now)
		return 0;
	ms = (end - now + 999999) / 1000000;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

static void report_second(struct load_loop *loop)
{
	uint64_t now;

	if (loop->on_second == NULL)
		return;
	now = load_loop_now();
	if (now < loop->next_second_ns)
		return;
	loop->next_second_ns = now + SECOND_NS;
	loop->on_second(loop->context);
}

static int handle_event(struct load_loop *loop, const struct epoll_event *event)
{
	struct load_conn *conn = event->data.ptr;
	enum load_step step;
	bool held;

	if (conn == NULL)
		return 0; /* the timer, or the order to stop: run_loop() checks both */
	held = conn->state == LOAD_OPEN;
	step = load_conn_event(conn, loop->plan, event->events);
	if (step == LOAD_STEP_DONE && held) {
		/* With --keep the next exchange opens a new connection. */
		if (loop->plan->hold)
			drop_held(loop, conn);
		else
			load_conn_close(conn);
		return 0;
	}
	if (step == LOAD_STEP_DONE)
		return end_exchange(loop, conn);
	return watch_conn(loop, conn);
}

/* Counts exchanges of an open loop that were due but not started, because no client was free. */
static void count_unsent(struct load_loop *loop)
{
	uint64_t due = load_pace_due(&loop->pace, load_loop_now() - loop->shared->begin_ns);

	if (loop->pace.rate <= 0 || due <= loop->started ||
	    atomic_load_explicit(&loop->shared->stop, memory_order_relaxed))
		return;
	loop->stats.outcomes[LOAD_UNSENT] += due - loop->started;
	loop->started = due;
}

static int run_loop(struct load_loop *loop)
{
	struct epoll_event events[EVENTS_MAX];

	for (;;) {
		bool more, over;
		int i, n;

		if (start_due_exchanges(loop, &more) < 0 || expire_exchanges(loop) < 0)
			return -1;
		over = is_over(loop, load_loop_now());
		if (over)
			count_unsent(loop);
		if (atomic_load_explicit(&loop->shared->stop, memory_order_relaxed) || (over && loop->n_active == 0))
			return 0;
		if (loop->pace.rate > 0 && !over && arm_timer(loop) < 0)
			return -1;
		more |= loop->n_active == 0 && loop->pace.rate <= 0;
		n = epoll_wait(loop->epoll, events, EVENTS_MAX, more ? 0 : get_timeout(loop));
		if (n < 0 && errno != EINTR)
			return err_sys(&loop->err, "waiting for the server");
		for (i = 0; i < n; i++) {
			if (handle_event(loop, &events[i]) < 0)
				return -1;
		}
		report_second(loop);
	}
}

void load_loop_stop(struct load_shared *shared)
{
	uint64_t one = 1;
	int saved = errno;

	atomic_store(&shared->stop, true);
	while (write(shared->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	errno = saved;
}

void load_loop_run(struct load_loop *loop)
{
	loop->next_second_ns = loop->shared->begin_ns + SECOND_NS;
	loop->failed = run_loop(loop) < 0;
	if (loop->failed)
		load_loop_stop(loop->shared);
}

int load_loop_init(struct load_loop *loop, struct err *err)
{
	struct epoll_event stop = {.events = EPOLLIN}, time = {.events = EPOLLIN | EPOLLET};
	unsigned i;

	load_stats_init(&loop->stats);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->epoll < 0 || loop->timer < 0)
		return err_sys(err, "cannot make an epoll instance and a timer");
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->shared->stop_fd, &stop) < 0 ||
	    epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->timer, &time) < 0)
		return err_sys(err, "cannot watch a timer");
	loop->conns = calloc(loop->clients, sizeof(struct load_conn));
	loop->idle = calloc(loop->clients, sizeof(struct load_conn *));
	if (loop->conns == NULL || loop->idle == NULL)
		return err_sys(err, "no memory for %u clients", loop->clients);
	for (i = 0; i < loop->clients; i++) {
		load_conn_init(&loop->conns[i]);
		loop->idle[loop->n_idle++] = &loop->conns[i];
	}
	return 0;
}

void load_loop_free(struct load_loop *loop)
{
	unsigned i;

	for (i = 0; loop->conns != NULL && i < loop->clients; i++)
		load_conn_close(&loop->conns[i]);
	free(loop->conns);
	free(loop->idle);
	fd_close(&loop->epoll);
	fd_close(&loop->timer);
}
