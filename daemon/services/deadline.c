/* SPDX-License-Identifier: MIT */
#include "services/deadline.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"
#include "net/tcp_info.h"

/* Shared between this process and its own signal handlers, hence lock-free atomics. */
static _Atomic int64_t due, total_due, own_due, first_due, idle_ms, armed;
static _Atomic int kind, passed, socket_fd = -1;
static _Atomic bool watching, cut, orphaned;

static void arm(int64_t at)
{
	int64_t wait = at - clock_ms();
	struct itimerval timer = {.it_value = {.tv_usec = 1}};

	if (wait > 0) {
		timer.it_value.tv_sec = wait / 1000;
		timer.it_value.tv_usec = wait % 1000 * 1000;
	}
	armed = at;
	(void)setitimer(ITIMER_REAL, &timer, NULL); /* cannot fail: the values are in range */
}

static void arm_earliest(void)
{
	int64_t at = due;

	if (at == 0 || (total_due != 0 && total_due < at))
		at = total_due;
	if (at == 0 || (own_due != 0 && own_due < at))
		at = own_due;
	if (at != 0 && (armed == 0 || at < armed))
		arm(at);
}

static void expire(enum deadline_kind what)
{
	passed = what;
	(void)shutdown(socket_fd, SHUT_RDWR);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a == 0 || b < a ? b : a;
}

/* A blocked write of a big buffer moves on inside the kernel: not idle yet? Sets the next due time. */
static bool still_moving(int64_t now)
{
	struct tcp_traffic traffic;

	if (kind != DEADLINE_IDLE || tcp_info_traffic(socket_fd, &traffic) < 0 ||
	    traffic.silent_ms >= idle_ms)
		return false;
	due = now + idle_ms - traffic.silent_ms;
	return true;
}

/* What has passed for a program's connection; if nothing has, sets the next due time. */
static enum deadline_kind look(int64_t now)
{
	struct tcp_traffic traffic;
	bool greeted, moved;
	int64_t next = 0;

	due = 0;
	if (tcp_info_traffic(socket_fd, &traffic) < 0)
		return DEADLINE_NONE; /* not TCP: nothing is known */
	greeted = traffic.in > 0 || traffic.peer_done;
	moved = greeted || traffic.out > 0 || first_due == 0;
	if (!greeted && first_due != 0) {
		if (now >= first_due)
			return DEADLINE_FIRST_BYTE;
		next = first_due;
	}
	if (idle_ms != 0 && moved && traffic.silent_ms >= idle_ms)
		return DEADLINE_IDLE;
	if (idle_ms != 0)
		next = earlier(next, now + idle_ms - (moved ? traffic.silent_ms : 0));
	due = next;
	return DEADLINE_NONE;
}

static void on_alarm(int sig, siginfo_t *info, void *context)
{
	int saved = errno;
	int64_t now = clock_ms();

	(void)sig;
	(void)info;
	(void)context;
	if (orphaned)
		_exit(0);
	armed = 0;
	if (socket_fd < 0) /* between two clients: the next one arms */
		return;
	if (total_due != 0 && now >= total_due) {
		expire(DEADLINE_TOTAL);
	} else if (own_due != 0 && now >= own_due) {
		expire(DEADLINE_OWN);
	} else if (due != 0 && now >= due && watching) {
		enum deadline_kind what = look(now);

		if (what != DEADLINE_NONE)
			expire(what);
	} else if (due != 0 && now >= due && !still_moving(now)) {
		expire((enum deadline_kind)kind);
	}
	if (passed == DEADLINE_NONE)
		arm_earliest();
	errno = saved;
}

void deadline_init(void)
{
	signals_handle(SIGALRM, on_alarm);
}

void deadline_begin(int fd, int64_t total)
{
	passed = DEADLINE_NONE;
	watching = false;
	due = 0;
	total_due = total;
	own_due = 0;
	socket_fd = fd;
	if (cut) /* the order came between two connections */
		(void)shutdown(fd, SHUT_RDWR);
	if (total != 0)
		arm_earliest();
}

void deadline_set(enum deadline_kind what, int64_t at, int64_t idle)
{
	atomic_store_explicit(&kind, (int)what, memory_order_relaxed);
	atomic_store_explicit(&idle_ms, idle, memory_order_relaxed);
	atomic_store_explicit(&due, at, memory_order_relaxed);
	/* A handler that runs now sees the new values, and arms for them itself. */
	atomic_signal_fence(memory_order_seq_cst);
	if (at != 0 && (armed == 0 || at < armed))
		arm(at);
}

void deadline_own(int64_t at)
{
	own_due = at;
	/* a handler that runs now arms for it itself */
	atomic_signal_fence(memory_order_seq_cst);
	arm_earliest();
}

void deadline_watch(int64_t first, int64_t idle)
{
	int64_t at = first;

	first_due = first;
	idle_ms = idle;
	watching = true;
	if (idle != 0)
		at = earlier(at, clock_ms() + idle);
	due = at;
	arm_earliest();
}

void deadline_end(void)
{
	socket_fd = -1;
	due = total_due = own_due = 0;
}

enum deadline_kind deadline_passed(void)
{
	return (enum deadline_kind)passed;
}

void deadline_cut(bool orphan)
{
	cut = true;
	if (socket_fd >= 0)
		(void)shutdown(socket_fd, SHUT_RDWR);
	if (orphan) {
		orphaned = true;
		arm(clock_ms() + DEADLINE_ORPHAN_MS);
	}
}

bool deadline_was_cut(void)
{
	return cut;
}

bool deadline_is_orphan(void)
{
	return orphaned;
}
