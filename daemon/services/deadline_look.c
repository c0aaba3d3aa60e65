/* SPDX-License-Identifier: MIT */
/*
 * All of this file runs in signal handlers, which may interrupt the worker anywhere: in malloc(), in stdio, in the
 * functions of deadline.c. So it takes no lock, allocates nothing, logs nothing, and calls only:
 *
 *   clock_gettime (by clock_ms), connect, getsockopt, shutdown, poll, memset, _exit
 *	POSIX lists them as async-signal-safe.
 *   ioctl, setitimer
 *	Not in that list; glibc and musl make them one system call each, and keep no state beside it.
 *   tcp_info_traffic, tcp_info_pending
 *	A getsockopt(TCP_INFO) into a struct on the stack, and an ioctl.
 *   the function of deadline_saturated
 *	worker/saturation.c: atomic loads, clock_gettime and poll.
 *   atomic loads and stores
 *	All of them are lock-free (asserted below).
 *
 * The handler of the timer keeps errno. The handlers of worker/orders.c do so around deadline_look_evict() and
 * deadline_look_cut().
 */
#include "services/deadline_look.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/tcp_info.h"
#include "services/deadline_state.h"

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_BOOL_LOCK_FREE == 2,
	       "a signal handler must not wait for a lock");

struct deadline_state deadline_state = {.client = {.fd = -1, .beyond_fd = -1}};

static struct deadline_client *const client = &deadline_state.client;

static void arm_timer(int64_t at_ms)
{
	int64_t wait = at_ms - clock_ms();
	struct itimerval timer = {.it_value = {.tv_usec = 1}};

	if (wait > 0) {
		timer.it_value.tv_sec = wait / 1000;
		timer.it_value.tv_usec = wait % 1000 * 1000;
	}
	deadline_state.armed = at_ms;
	(void)setitimer(ITIMER_REAL, &timer, NULL); /* cannot fail: the values are in range */
}

void deadline_look_no_later(int64_t at_ms)
{
	if (at_ms != 0 && (deadline_state.armed == 0 || at_ms < deadline_state.armed))
		arm_timer(at_ms);
}

/* May the client be told by a plain end? Not if that looks like the end of an answer. */
static bool may_end_plainly(enum deadline_kind what, uint64_t written)
{
	switch (what) {
	case DEADLINE_HALF_CLOSED:
		return true;
	case DEADLINE_FIRST_BYTE:
	case DEADLINE_FIRST_BYTE_BUSY:
	case DEADLINE_PROXY:
	case DEADLINE_EVICTED:
		return written == 0; /* the client has not asked for anything */
	case DEADLINE_NONE:	     /* an order */
	case DEADLINE_IDLE:
	case DEADLINE_SEND:
	case DEADLINE_TOTAL:
	case DEADLINE_OWN:
		break;
	}
	return false;
}

/* Resets a TCP connection at once, whoever else has the socket. False: it ends plainly. */
static bool reset_connection(int fd, enum deadline_kind what)
{
	static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	struct tcp_traffic traffic;
	uint64_t written;

	if (!deadline_state.resets || tcp_info_traffic(fd, &traffic) < 0)
		return false;
	written = traffic.out + tcp_info_pending(fd);
	if (may_end_plainly(what, written))
		return false;
	client->in = traffic.in;
	client->out = written;
	client->reset = true;
	/* Some kernels (6.1 to 6.5) refuse while another process waits for the socket, with EBUSY. That is a program,
	 * which will be ended; then the last close(2) resets. */
	return connect(fd, &nobody, sizeof(nobody)) == 0 ||
	       (errno == EBUSY && client->limited && client->limits.unseen);
}

/* As with shutdown(2), a call that is blocked on a connection that was reset ends, and every later one alike. */
void deadline_look_end(int fd, enum deadline_kind what)
{
	if (!reset_connection(fd, what))
		(void)shutdown(fd, SHUT_RDWR);
}

static void cut_client(enum deadline_kind what)
{
	client->passed = what;
	deadline_look_end(client->fd, what);
}

static bool reads_from_client(void)
{
	return client->waits == DEADLINE_READS || client->waits == DEADLINE_CLOSES;
}

static bool is_greeted(void)
{
	return atomic_load_explicit(client->limits.greeted, memory_order_relaxed) != 0;
}

/* Notes what the kernel has counted since the last look. */
static void observe_client(const struct tcp_traffic *traffic, int64_t now)
{
	struct deadline_seen *seen = &client->seen;
	bool taken = traffic->out != seen->out;

	if (traffic->in > client->limits.header || traffic->peer_done)
		atomic_store_explicit(client->limits.greeted, 1, memory_order_relaxed);
	else if (traffic->in == 0) /* then this is the time of the connect: the time in the queue is included */
		atomic_store_explicit(client->limits.silent_since, now - traffic->received_ms, memory_order_relaxed);
	if (traffic->in != seen->in)
		seen->moved_ms = deadline_state_later(seen->moved_ms, now - traffic->received_ms);
	/* The kernel counts what the client took, but does not date it. The last acknowledgement is the latest possible
	 * time: a client that takes nothing goes on acknowledging window probes. */
	if (taken)
		seen->moved_ms = deadline_state_later(seen->moved_ms, now - traffic->heard_ms);
	if (!traffic->waiting)
		seen->stuck_ms = 0;
	else if (taken)
		seen->stuck_ms = now - traffic->heard_ms;
	else if (seen->stuck_ms == 0)
		seen->stuck_ms = now;
	seen->in = traffic->in;
	seen->out = traffic->out;
}

static uint64_t count_beyond(int fd)
{
	struct tcp_traffic traffic;
	int unsent = 0;

	if (tcp_info_traffic(fd, &traffic) == 0)
		return traffic.in + traffic.out;
	(void)ioctl(fd, SIOCOUTQ, &unsent); /* all that a unix socket tells */
	return (uint64_t)unsent;
}

static void observe_beyond(int64_t now)
{
	int fd = client->beyond_fd;
	uint64_t count;

	if (fd < 0)
		return;
	count = count_beyond(fd);
	if (count != client->seen.beyond)
		client->seen.moved_ms = now;
	client->seen.beyond = count;
}

/*
 * Where the kernel does not count, only the service knows what moved. This signal has interrupted its call, and it is
 * about to note what went before that. So the first look that finds a write overdue leaves it time until the next look.
 */
static bool is_overdue_again(int64_t noted, int64_t now)
{
	if (client->seen.overdue_ms == noted)
		return client->seen.overdue_at != now;
	client->seen.overdue_ms = noted;
	client->seen.overdue_at = now;
	return false;
}

static enum deadline_kind look_at_first_byte(int64_t now, int64_t *next)
{
	const struct deadline_limits *limits = &client->limits;
	int64_t due = limits->start + limits->first_byte, busy;

	if (limits->first_byte == 0 || is_greeted() || (!limits->unseen && !reads_from_client()))
		return DEADLINE_NONE;
	if (now >= due)
		return DEADLINE_FIRST_BYTE;
	*next = deadline_state_earlier(*next, due);
	if (client->busy_ms == 0)
		return DEADLINE_NONE;
	busy = atomic_load_explicit(limits->silent_since, memory_order_relaxed);
	if (limits->unseen) /* the program may speak first, which it could not while the client was in the queue */
		busy = deadline_state_later(busy, client->seen.moved_ms);
	busy += limits->first_byte_busy;
	if (now >= busy && deadline_state.saturated != NULL && deadline_state.saturated())
		return DEADLINE_FIRST_BYTE_BUSY;
	*next = deadline_state_earlier(*next, now >= busy ? now + client->busy_ms : busy);
	return DEADLINE_NONE;
}

static enum deadline_kind look_at_send(int64_t now, bool tcp, int64_t noted)
{
	int64_t limit = client->limits.send;
	bool passed;

	if (limit == 0)
		return DEADLINE_NONE;
	if (tcp)
		passed = client->seen.stuck_ms != 0 && now >= client->seen.stuck_ms + limit;
	else
		passed = client->waits == DEADLINE_WRITES && now >= noted + limit && is_overdue_again(noted, now);
	return passed ? DEADLINE_SEND : DEADLINE_NONE;
}

static enum deadline_kind look_at_idle(int64_t now, bool tcp, int64_t noted, int64_t *next)
{
	const struct deadline_limits *limits = &client->limits;
	bool writes = tcp ? client->seen.stuck_ms != 0 : client->waits == DEADLINE_WRITES;
	int64_t due = deadline_state_later(client->seen.moved_ms, noted) + limits->idle;

	if (limits->idle == 0)
		return DEADLINE_NONE;
	/* until the first byte in either direction, first_byte is the limit */
	if (limits->first_byte != 0 && client->seen.out == 0 && !client->wrote && !is_greeted())
		return DEADLINE_NONE;
	/* both would cut a client that takes nothing, but send has the better message */
	if (writes && limits->send != 0 && limits->send <= limits->idle)
		return DEADLINE_NONE;
	if (now >= due && (tcp || !writes || is_overdue_again(noted, now)))
		return DEADLINE_IDLE;
	*next = deadline_state_earlier(*next, deadline_state_later(due, now + DEADLINE_LOOK_LEAST_MS));
	return DEADLINE_NONE;
}

static enum deadline_kind look_at_half_closed(int64_t now, int64_t noted, int64_t *next)
{
	int64_t limit = client->limits.half_closed, due = deadline_state_later(client->seen.moved_ms, noted) + limit;
	int unsent = 0;

	if (limit == 0 || client->waits != DEADLINE_CLOSES)
		return DEADLINE_NONE;
	if (ioctl(client->fd, SIOCOUTQ, &unsent) == 0 && unsent > 0) /* the limit send rules */
		due = deadline_state_later(due, now + limit);
	if (now >= due)
		return DEADLINE_HALF_CLOSED;
	*next = deadline_state_earlier(*next, due);
	return DEADLINE_NONE;
}

/* Returns which limit has passed; if none has, sets the timer for the next look. */
static enum deadline_kind look_at_limits(int64_t now)
{
	int64_t next = client->look_ms != 0 ? now + client->look_ms : 0, noted = client->noted_ms;
	enum deadline_kind what;
	struct tcp_traffic traffic;
	bool tcp = tcp_info_traffic(client->fd, &traffic) == 0;

	if (tcp)
		observe_client(&traffic, now);
	else if (client->limits.unseen)
		return DEADLINE_NONE;
	observe_beyond(now);
	what = look_at_first_byte(now, &next);
	if (what == DEADLINE_NONE)
		what = look_at_send(now, tcp, noted);
	if (what == DEADLINE_NONE)
		what = look_at_half_closed(now, noted, &next);
	if (what == DEADLINE_NONE)
		what = look_at_idle(now, tcp, noted, &next);
	if (what == DEADLINE_NONE)
		deadline_look_no_later(next);
	return what;
}

static enum deadline_kind look_at_client(int64_t now)
{
	if (client->total_due != 0 && now >= client->total_due)
		return DEADLINE_TOTAL;
	if (client->proxy_due != 0 && now >= client->proxy_due)
		return DEADLINE_PROXY;
	if (client->own_due != 0 && now >= client->own_due)
		return DEADLINE_OWN;
	return client->limited ? look_at_limits(now) : DEADLINE_NONE;
}

void deadline_look_on_alarm(int sig, siginfo_t *info, void *context)
{
	enum deadline_kind what;
	int saved = errno;
	int64_t now = clock_ms();

	(void)sig;
	(void)info;
	(void)context;
	if (deadline_state.orphaned)
		_exit(0);
	deadline_state.armed = 0;
	/* between two clients there is nothing to do: deadline_begin() sets the timer anew */
	if (client->fd >= 0 && client->passed == DEADLINE_NONE) {
		what = look_at_client(now);
		if (what != DEADLINE_NONE)
			cut_client(what);
		else
			deadline_look_no_later(deadline_state_earlier(
				deadline_state_earlier(client->total_due, client->proxy_due), client->own_due));
	}
	errno = saved;
}

bool deadline_look_is_greeted(void)
{
	struct tcp_traffic traffic;
	int unread = 0;

	if (client->limited && is_greeted())
		return true;
	if (tcp_info_traffic(client->fd, &traffic) == 0)
		return traffic.in > (client->limited ? client->limits.header : 0) || traffic.peer_done;
	return ioctl(client->fd, FIONREAD, &unread) == 0 && unread > 0;
}

enum deadline_evict deadline_look_evict(void)
{
	if (client->fd < 0) /* between two clients */
		return EVICT_LATER;
	if (client->passed != DEADLINE_NONE || deadline_state.cut)
		return EVICT_DONE;
	if (deadline_look_is_greeted()) /* before the limits begin, these bytes may be a PROXY header */
		return client->limited ? EVICT_GREETED : EVICT_LATER;
	if (client->limited && !client->limits.unseen && !reads_from_client())
		return EVICT_LATER;
	cut_client(DEADLINE_EVICTED);
	return EVICT_DONE;
}

void deadline_look_cut(bool orphan)
{
	deadline_state.cut = true;
	if (client->fd >= 0)
		deadline_look_end(client->fd, DEADLINE_NONE);
	if (orphan) {
		deadline_state.orphaned = true;
		arm_timer(clock_ms() + DEADLINE_ORPHAN_MS);
	}
}
