/* SPDX-License-Identifier: MIT */
#include "net/connect_any.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fds.h"
#include "net/addr.h"
#include "net/race.h"

#define LOOK_MS 500 /* longest wait while `watch` has no descriptor */

/* One call of connect_any(). */
struct run {
	struct connect_any *any;
	struct race race;
	int64_t end_ms; /* 0: no limit */
	int code;	/* errno of the last attempt that failed */
	/* [0] is `watch`, the others are the attempts; fd -1: none */
	struct pollfd pfds[1 + CONNECT_ANY_MAX];
};

int connect_bind(int fd, const struct sockaddr_any *from)
{
	const int yes = 1;

	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
	return bind(fd, &from->sa, from->len);
}

/* Gives a datagram socket a name of its own, which a unix server needs to send its answer to. */
static int name_datagrams(int fd)
{
	struct sockaddr_any none = {.len = sizeof(sa_family_t)};

	none.sa.sa_family = AF_UNIX;
	return bind(fd, &none.sa, none.len);
}

static int bind_own(const struct connect_any *any, int fd, sa_family_t family)
{
	if (family != AF_UNIX)
		return any->from != NULL ? connect_bind(fd, any->from) : 0;
	return any->type == SOCK_DGRAM ? name_datagrams(fd) : 0;
}

/* Is FD connected to itself? When nobody listens at a local port, the kernel may choose that very port for our end of
 * the connection, and TCP then connects the socket to itself. */
static bool is_connected_to_itself(int fd, const struct sockaddr_any *to)
{
	struct sockaddr_any own = {.len = sizeof(own.ss)}, peer = {.len = sizeof(peer.ss)};

	if (to->sa.sa_family == AF_UNIX || getsockname(fd, &own.sa, &own.len) < 0 || addr_port(&own) != addr_port(to))
		return false;
	/* the real address of the peer: TO may be 0.0.0.0, which means this host */
	return getpeername(fd, &peer.sa, &peer.len) == 0 && addr_equal(&own, &peer);
}

static void fail_attempt(struct run *run, size_t i, int code)
{
	struct connect_attempt *attempt = &run->any->attempt[i];
	int64_t now = clock_ms();

	fd_close(&run->pfds[1 + i].fd);
	attempt->code = run->code = code;
	attempt->waited_ms += now;
	race_failed(&run->race, now);
}

/* True: attempt I is connected. */
static bool finish_attempt(struct run *run, size_t i)
{
	if (run->any->type == SOCK_STREAM && is_connected_to_itself(run->pfds[1 + i].fd, &run->any->to[i])) {
		fail_attempt(run, i, ECONNREFUSED);
		return false;
	}
	run->any->index = i;
	return true;
}

/* True: it was connected at once. */
static bool begin_attempt(struct run *run, size_t i, int64_t now)
{
	const struct sockaddr_any *to = &run->any->to[i];
	struct pollfd *p = &run->pfds[1 + i];

	run->any->started = i + 1;
	run->any->attempt[i] = (struct connect_attempt){.waited_ms = -now};
	*p = (struct pollfd){.events = POLLOUT};
	p->fd = socket(to->sa.sa_family, run->any->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd >= 0 && bind_own(run->any, p->fd, to->sa.sa_family) == 0) {
		if (connect(p->fd, &to->sa, to->len) == 0)
			return finish_attempt(run, i);
		if (errno == EINPROGRESS || errno == EINTR)
			return false;
	}
	fail_attempt(run, i, errno);
	return false;
}

static bool begin_attempts(struct run *run)
{
	int64_t now = clock_ms();
	size_t i;

	while (race_next(&run->race, now, &i))
		if (begin_attempt(run, i, now))
			return true;
	return false;
}

static int get_error(const struct pollfd *p)
{
	int code = 0;
	socklen_t len = sizeof(code);

	if ((p->revents & (POLLERR | POLLHUP)) == 0)
		return 0;
	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
		return errno;
	return code; /* 0: it was connected, and has ended meanwhile */
}

/* Looks at the sockets that poll(2) has reported. True: one of them is connected. */
static bool look_at_attempts(struct run *run)
{
	for (size_t i = 0; i < run->any->started; i++) {
		const struct pollfd *p = &run->pfds[1 + i];
		int code;

		if (p->fd < 0 || p->revents == 0)
			continue;
		code = get_error(p);
		if (code != 0)
			fail_attempt(run, i, code);
		else if (finish_attempt(run, i))
			return true;
	}
	return false;
}

/* The shorter of two waits; -1 is endless. */
static int64_t choose_wait(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int64_t find_wait(const struct run *run, int64_t now)
{
	const struct pollfd *watch = run->any->watch;
	int64_t ms = race_wait(&run->race, now);

	if (run->end_ms != 0)
		ms = choose_wait(ms, run->end_ms - now);
	/* An event that STOPPED tells of, and that comes just before poll(2), would not end the wait. */
	if (watch != NULL && watch->fd < 0)
		ms = choose_wait(ms, LOOK_MS);
	return ms < INT32_MAX ? ms : INT32_MAX;
}

/* 0, or an errno value that ends all attempts. */
static int wait_for_events(struct run *run, int64_t now)
{
	struct pollfd *watch = run->any->watch;

	if (watch != NULL)
		run->pfds[0] = *watch;
	if (poll(run->pfds, (nfds_t)(1 + run->any->started), (int)find_wait(run, now)) < 0) {
		if (errno != EINTR)
			return errno;
		for (size_t i = 0; i <= run->any->started; i++)
			run->pfds[i].revents = 0;
	}
	if (watch == NULL)
		return 0;
	watch->revents = run->pfds[0].revents;
	return run->any->stopped(run->any->arg) ? ECANCELED : 0;
}

/* 0, or an errno value. */
static int run_race(struct run *run)
{
	for (;;) {
		int64_t now;
		int code;

		if (begin_attempts(run))
			return 0;
		if (race_lost(&run->race))
			return run->code;
		now = clock_ms();
		if (run->end_ms != 0 && now >= run->end_ms)
			return ETIMEDOUT;
		code = wait_for_events(run, now);
		if (code != 0)
			return code;
		if (look_at_attempts(run))
			return 0;
	}
}

/* Closes all sockets but the one that is connected, and completes the times. */
static void end_attempts(struct run *run, bool connected)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < run->any->started; i++) {
		if (run->any->attempt[i].code == 0)
			run->any->attempt[i].waited_ms += now;
		if (!connected || i != run->any->index)
			fd_close(&run->pfds[1 + i].fd);
	}
}

int connect_any(struct connect_any *any)
{
	struct run run;
	int64_t now = clock_ms();
	int code;

	any->started = 0;
	run.any = any;
	run.end_ms = any->limit_ms > 0 ? now + any->limit_ms : 0;
	run.code = 0;
	run.pfds[0] = (struct pollfd){.fd = -1};
	race_init(&run.race, any->n, any->limit_ms, now);
	any->stagger_ms = run.race.stagger_ms;
	code = run_race(&run);
	end_attempts(&run, code == 0);
	if (code == 0)
		return run.pfds[1 + any->index].fd;
	errno = code;
	return -1;
}
