/* SPDX-License-Identifier: MIT */
#include "services/deadline.h"

#include <errno.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"
#include "net/tcp_info.h"

#define LOOKS	      4	 /* in the time of a limit */
#define LOOK_LEAST_MS 10 /* between two of them */
#define BUSY_LOOKS    8	 /* in the time of first_byte_busy */
#define BUSY_LEAST_MS 100

/* Shared between this process and its own signal handlers, hence lock-free atomics. */
static _Atomic int64_t total_due, proxy_due, own_due, armed;
static _Atomic int passed, socket_fd = -1, beyond_fd = -1;
static _Atomic bool limited, cut, orphaned;
static bool (*saturated)(void);

/* What the service has noted last. */
static _Atomic int waits;
static _Atomic int64_t noted_ms;
static _Atomic bool wrote;

/* The limits: written while `limited` is false, and read by the handler while it is true. */
static struct deadline_limits limit;
static int64_t look_ms, busy_ms; /* between two looks; 0: none for that */
static _Atomic uint32_t nobodys_greeted;
static _Atomic int64_t nobodys_silent_since;

/* What the handler saw when it looked last; nobody else's while `limited` is true. */
static struct {
	uint64_t in, out;
	int64_t moved_ms; /* when bytes last went either way */
	int64_t stuck_ms; /* since when the client takes nothing of what there is; 0: it does, or there is nothing */
	/* a write has stood still for too long, unless the service says otherwise by the next look */
	int64_t overdue_ms, overdue_at;
	uint64_t beyond; /* of beyond_fd: what went there and came from there, or is still on its way */
} seen;

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

static int64_t earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void arm_no_later(int64_t at)
{
	if (at != 0 && (armed == 0 || at < armed))
		arm(at);
}

static void expire(enum deadline_kind what)
{
	passed = what;
	(void)shutdown(socket_fd, SHUT_RDWR);
}

static void greet(void)
{
	atomic_store_explicit(limit.greeted, 1, memory_order_relaxed);
}

/* Takes down what the kernel has counted since the last look. */
static void observe(const struct tcp_traffic *traffic, int64_t now)
{
	bool taken = traffic->out != seen.out;

	if (traffic->in > limit.header || traffic->peer_done)
		greet();
	else if (traffic->in == 0) /* since when the client is there, the time in the queue included */
		atomic_store_explicit(limit.silent_since, now - traffic->received_ms, memory_order_relaxed);
	if (traffic->in != seen.in)
		seen.moved_ms = later(seen.moved_ms, now - traffic->received_ms);
	/* a client that takes nothing goes on acknowledging probes, so this is no more than the latest possible time */
	if (taken)
		seen.moved_ms = later(seen.moved_ms, now - traffic->heard_ms);
	if (!traffic->waiting)
		seen.stuck_ms = 0;
	else if (taken)
		seen.stuck_ms = now - traffic->heard_ms;
	else if (seen.stuck_ms == 0)
		seen.stuck_ms = now;
	seen.in = traffic->in;
	seen.out = traffic->out;
}

static uint64_t traffic_beyond(int fd)
{
	struct tcp_traffic traffic;
	int left = 0;

	if (tcp_info_traffic(fd, &traffic) == 0)
		return traffic.in + traffic.out;
	(void)ioctl(fd, SIOCOUTQ, &left); /* a unix socket tells this much */
	return (uint64_t)left;
}

static void observe_beyond(int64_t now)
{
	int fd = beyond_fd;
	uint64_t traffic;

	if (fd < 0)
		return;
	traffic = traffic_beyond(fd);
	if (traffic != seen.beyond)
		seen.moved_ms = now;
	seen.beyond = traffic;
}

/*
 * Where the kernel does not tell, only the service can: this signal has ended its call, and it will note
 * what went before that. So the first look that finds a write overdue gives it the time until the next.
 */
static bool is_overdue_again(int64_t noted, int64_t now)
{
	if (seen.overdue_ms == noted)
		return seen.overdue_at != now;
	seen.overdue_ms = noted;
	seen.overdue_at = now;
	return false;
}

static enum deadline_kind look_first_byte(int64_t now, int64_t *next)
{
	int64_t due = limit.start + limit.first_byte, busy;

	if (limit.first_byte == 0 || atomic_load_explicit(limit.greeted, memory_order_relaxed) != 0 ||
	    (!limit.unseen && waits != DEADLINE_READS))
		return DEADLINE_NONE;
	if (now >= due)
		return DEADLINE_FIRST_BYTE;
	*next = earlier(*next, due);
	if (busy_ms == 0)
		return DEADLINE_NONE;
	busy = atomic_load_explicit(limit.silent_since, memory_order_relaxed);
	if (limit.unseen) /* the program may be the one to begin: it had no chance while the client was queued */
		busy = later(busy, seen.moved_ms);
	busy += limit.first_byte_busy;
	if (now >= busy && saturated != NULL && saturated())
		return DEADLINE_FIRST_BYTE_BUSY;
	*next = earlier(*next, now >= busy ? now + busy_ms : busy);
	return DEADLINE_NONE;
}

static enum deadline_kind look_send(int64_t now, bool tcp, int64_t noted)
{
	if (limit.send == 0)
		return DEADLINE_NONE;
	if (tcp)
		return seen.stuck_ms != 0 && now >= seen.stuck_ms + limit.send ? DEADLINE_SEND : DEADLINE_NONE;
	return waits == DEADLINE_WRITES && now >= noted + limit.send && is_overdue_again(noted, now) ? DEADLINE_SEND
												     : DEADLINE_NONE;
}

static enum deadline_kind look_idle(int64_t now, bool tcp, int64_t noted, int64_t *next)
{
	bool writes = tcp ? seen.stuck_ms != 0 : waits == DEADLINE_WRITES;
	int64_t due = later(seen.moved_ms, noted) + limit.idle;

	if (limit.idle == 0)
		return DEADLINE_NONE;
	if (limit.first_byte != 0 && seen.out == 0 && !wrote &&
	    atomic_load_explicit(limit.greeted, memory_order_relaxed) == 0)
		return DEADLINE_NONE;
	/* of two limits that say the same the one that says more */
	if (writes && limit.send != 0 && limit.send <= limit.idle)
		return DEADLINE_NONE;
	if (now >= due && (tcp || !writes || is_overdue_again(noted, now)))
		return DEADLINE_IDLE;
	*next = earlier(*next, later(due, now + LOOK_LEAST_MS));
	return DEADLINE_NONE;
}

/* What has passed; if nothing has, arms for the next look. */
static enum deadline_kind look(int64_t now)
{
	int64_t next = look_ms != 0 ? now + look_ms : 0, noted = noted_ms;
	enum deadline_kind what;
	struct tcp_traffic traffic;
	bool tcp = tcp_info_traffic(socket_fd, &traffic) == 0;

	if (tcp)
		observe(&traffic, now);
	else if (limit.unseen)
		return DEADLINE_NONE;
	observe_beyond(now);
	what = look_first_byte(now, &next);
	if (what == DEADLINE_NONE)
		what = look_send(now, tcp, noted);
	if (what == DEADLINE_NONE)
		what = look_idle(now, tcp, noted, &next);
	if (what == DEADLINE_NONE)
		arm_no_later(next);
	return what;
}

static void on_alarm(int sig, siginfo_t *info, void *context)
{
	enum deadline_kind what = DEADLINE_NONE;
	int saved = errno;
	int64_t now = clock_ms();

	(void)sig;
	(void)info;
	(void)context;
	if (orphaned)
		_exit(0);
	armed = 0;
	if (socket_fd >= 0 && passed == DEADLINE_NONE) { /* else between two clients: the next one arms */
		if (total_due != 0 && now >= total_due)
			what = DEADLINE_TOTAL;
		else if (proxy_due != 0 && now >= proxy_due)
			what = DEADLINE_PROXY;
		else if (own_due != 0 && now >= own_due)
			what = DEADLINE_OWN;
		else if (limited)
			what = look(now);
		if (what != DEADLINE_NONE)
			expire(what);
		else
			arm_no_later(earlier(earlier(total_due, proxy_due), own_due));
	}
	errno = saved;
}

void deadline_init(void)
{
	signals_handle(SIGALRM, on_alarm);
}

void deadline_saturated(bool (*function)(void))
{
	saturated = function;
}

void deadline_begin(int fd, int64_t total)
{
	limited = false;
	passed = DEADLINE_NONE;
	total_due = total;
	proxy_due = own_due = 0;
	socket_fd = fd;
	if (cut) /* the order came between two connections */
		(void)shutdown(fd, SHUT_RDWR);
	arm_no_later(total);
}

void deadline_proxy(int64_t due)
{
	proxy_due = due;
	/* A handler that runs now sees the new value, and arms for it itself. */
	atomic_signal_fence(memory_order_seq_cst);
	arm_no_later(due);
}

/* When a look is due at the latest, as long as nothing is known. */
static int64_t first_look(int64_t now, bool reads)
{
	int64_t at = look_ms != 0 ? now + look_ms : 0;

	if (!reads || limit.first_byte == 0 || atomic_load_explicit(limit.greeted, memory_order_relaxed) != 0)
		return at;
	at = earlier(at, limit.start + limit.first_byte);
	return earlier(at, busy_ms != 0 ? now + busy_ms : 0);
}

void deadline_limit(const struct deadline_limits *limits)
{
	int64_t least = earlier(limits->idle, limits->send);

	limited = false;
	atomic_signal_fence(memory_order_seq_cst);
	limit = *limits;
	if (limit.greeted == NULL) {
		nobodys_greeted = 0;
		limit.greeted = &nobodys_greeted;
	}
	if (limit.silent_since == NULL) {
		nobodys_silent_since = limit.start;
		limit.silent_since = &nobodys_silent_since;
	}
	look_ms = least != 0 ? later(least / LOOKS, LOOK_LEAST_MS) : 0;
	busy_ms = limit.first_byte_busy != 0 && limit.first_byte_busy < limit.first_byte
			  ? later(limit.first_byte_busy / BUSY_LOOKS, BUSY_LEAST_MS)
			  : 0;
	seen.in = seen.out = 0;
	seen.stuck_ms = seen.overdue_ms = 0;
	noted_ms = seen.moved_ms = clock_coarse_ms();
	waits = DEADLINE_NO_WAIT;
	wrote = false;
	atomic_signal_fence(memory_order_seq_cst);
	limited = true;
	if (limit.unseen)
		arm_no_later(first_look(noted_ms, true));
}

void deadline_waits(enum deadline_wait what)
{
	int64_t now = clock_coarse_ms();

	atomic_store_explicit(&noted_ms, now, memory_order_relaxed);
	if (what == DEADLINE_WRITES)
		atomic_store_explicit(&wrote, true, memory_order_relaxed);
	atomic_store_explicit(&waits, (int)what, memory_order_relaxed);
	/* A handler that runs now sees the new values, and arms for them itself. */
	atomic_signal_fence(memory_order_seq_cst);
	arm_no_later(first_look(now, what == DEADLINE_READS));
}

void deadline_waited(void)
{
	atomic_store_explicit(&waits, DEADLINE_NO_WAIT, memory_order_relaxed);
}

void deadline_greeted(void)
{
	greet();
}

void deadline_own(int64_t due)
{
	own_due = due;
	/* a handler that runs now sees the new value, and arms for it itself */
	atomic_signal_fence(memory_order_seq_cst);
	arm_no_later(due);
}

void deadline_beyond(int fd)
{
	beyond_fd = -1;
	atomic_signal_fence(memory_order_seq_cst);
	seen.beyond = 0;
	atomic_signal_fence(memory_order_seq_cst);
	beyond_fd = fd;
}

bool deadline_is_greeted(void)
{
	struct tcp_traffic traffic;
	int unread = 0;

	if (limited && atomic_load_explicit(limit.greeted, memory_order_relaxed) != 0)
		return true;
	if (tcp_info_traffic(socket_fd, &traffic) == 0)
		return traffic.in > (limited ? limit.header : 0) || traffic.peer_done;
	return ioctl(socket_fd, FIONREAD, &unread) == 0 && unread > 0;
}

enum deadline_evict deadline_evict(void)
{
	if (socket_fd < 0) /* between two clients */
		return EVICT_LATER;
	if (passed != DEADLINE_NONE || cut)
		return EVICT_DONE;
	if (deadline_is_greeted()) /* without limits: maybe it is a PROXY header that has come */
		return limited ? EVICT_GREETED : EVICT_LATER;
	if (limited && !limit.unseen && waits != DEADLINE_READS)
		return EVICT_LATER;
	expire(DEADLINE_EVICTED);
	return EVICT_DONE;
}

void deadline_end(void)
{
	socket_fd = -1;
	limited = false;
	total_due = proxy_due = own_due = 0;
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
