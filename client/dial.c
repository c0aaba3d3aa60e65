/* SPDX-License-Identifier: MIT */
#include "dial.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/parse.h"
#include "race.h"

int dial_parse(const char *text, struct addr *out, struct err *err)
{
	if (addr_parse(text, out, err) < 0)
		return -1;
	if (out->kind == ADDR_SYSTEMD || out->kind == ADDR_ANY)
		return err_set(err,
			       "\"%s\": nothing that one can connect to; write HOST:PORT, "
			       "[ADDRESS]:PORT or unix:PATH",
			       text);
	if (out->kind != ADDR_UNIX && out->port == 0)
		return err_set(err, "\"%s\": nobody can connect to port 0", text);
	return 0;
}

int dial_socket(const struct sockaddr_any *to, const struct sockaddr_any *from, int type, struct err *err)
{
	int fd = socket(to->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char text[ADDR_TEXT_MAX];
	int on = 1;

	if (fd < 0)
		return err_sys(err, "cannot make a socket");
	if (from == NULL)
		return fd;
	/* The kernel chooses the port at connect(2), where a port that is in use towards another peer will do. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, &from->sa, from->len) < 0) {
		(void)err_sys(err, "cannot use the source address %s", addr_format_host(from, text, sizeof(text)));
		fd_close(&fd);
	}
	return fd;
}

const char *dial_reason(const struct sockaddr_any *to, int code)
{
	switch (code) {
	case ECONNREFUSED:
		return "refused, nobody listens there";
	case ENOENT:
		return "there is no such socket";
	case EAGAIN:
		return to->sa.sa_family == AF_UNIX ? "the server's queue is full" : "no local port is free";
	case EADDRNOTAVAIL:
		return "no local port is free, or there is no such address here";
	case ETIMEDOUT:
		return "nobody answers (time-out)";
	case ENETUNREACH:
		return "unreachable, there is no way to that network";
	case EHOSTUNREACH:
		return "unreachable, there is no such host on the way's last part";
	case ECONNRESET:
		return "reset before the connection was up";
	case EPROTOTYPE:
		return "the socket there is of the other type, stream or datagram";
	case EACCES:
	case EPERM:
		return "not permitted";
	}
	return strerror(code);
}

int dial_status(int code)
{
	switch (code) {
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return EX_OSERR;
	}
	return EX_UNAVAILABLE;
}

/* The state of one call of dial_any(). */
struct dial {
	const struct sockaddr_any *targets;
	int type;
	struct race race;
	struct pollfd pfds[DIAL_TARGETS_MAX]; /* one for each target; -1: no attempt is under way */
	char failures[512];
	int code; /* errno of the last attempt that failed */
};

static void add_reason(struct dial *dial, size_t index, const char *reason)
{
	char text[ADDR_TEXT_MAX];
	size_t used = strlen(dial->failures);

	(void)snprintf(dial->failures + used, sizeof(dial->failures) - used, "%s%s: %s", used > 0 ? "; " : "",
		       addr_format(&dial->targets[index], text, sizeof(text)), reason);
}

static void fail_target(struct dial *dial, size_t index, int code)
{
	fd_close(&dial->pfds[index].fd);
	dial->code = code;
	add_reason(dial, index, dial_reason(&dial->targets[index], code));
	race_failed(&dial->race, clock_ms());
}

/* Binds the socket to a name of its own, which a unix server needs to send its answer to. */
static int name_datagrams(int fd, struct err *err)
{
	struct sockaddr_any none = {.len = sizeof(sa_family_t)};

	none.sa.sa_family = AF_UNIX;
	return bind(fd, &none.sa, none.len) < 0 ? err_sys(err, "cannot name the socket") : 0;
}

/* 1: connected; 0: the attempt is under way or has failed; -1: an error of this host. */
static int start_target(struct dial *dial, size_t index, struct err *err)
{
	const struct sockaddr_any *to = &dial->targets[index];
	int fd = dial_socket(to, NULL, dial->type, err);

	if (fd < 0) {
		/* On a host without IPv6 names still have IPv6 addresses. */
		if (err->code != EAFNOSUPPORT)
			return -1;
		fail_target(dial, index, EAFNOSUPPORT);
		return 0;
	}
	dial->pfds[index].fd = fd;
	if (dial->type == SOCK_DGRAM && to->sa.sa_family == AF_UNIX && name_datagrams(fd, err) < 0)
		return -1;
	if (connect(fd, &to->sa, to->len) == 0)
		return 1;
	if (errno != EINPROGRESS)
		fail_target(dial, index, errno);
	return 0;
}

/* Looks at the sockets that poll(2) has reported. True with the winner in *index_out. */
static bool check_targets(struct dial *dial, size_t *index_out)
{
	size_t i;

	for (i = 0; i < dial->race.started; i++) {
		int error = 0;
		socklen_t len = sizeof(error);

		if (dial->pfds[i].fd < 0 || dial->pfds[i].revents == 0)
			continue;
		if (getsockopt(dial->pfds[i].fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
			error = errno;
		if (error == 0) {
			*index_out = i;
			return true;
		}
		fail_target(dial, i, error);
	}
	return false;
}

/* The shorter of two waits; -1 is endless. */
static int choose_wait(int64_t a, int64_t b)
{
	int64_t ms = a < 0 || (b >= 0 && b < a) ? b : a;

	return ms < INT_MAX ? (int)ms : INT_MAX;
}

static int report_timeout(struct dial *dial, int64_t limit_ms, struct err *err)
{
	char reason[64], limit[32];
	size_t i;

	format_duration(limit_ms, limit, sizeof(limit));
	(void)snprintf(reason, sizeof(reason), "nobody answers (time-out after %s)", limit);
	for (i = 0; i < dial->race.started; i++) {
		if (dial->pfds[i].fd >= 0)
			add_reason(dial, i, reason);
	}
	(void)err_set(err, "%s", dial->failures);
	err->code = ETIMEDOUT;
	return -1;
}

/* 0 with the winner in *index_out, or -1. */
static int run_race(struct dial *dial, int64_t limit_ms, size_t *index_out, struct err *err)
{
	int64_t now = clock_ms();
	int64_t end = now + limit_ms;

	race_init(&dial->race, dial->race.n, now);
	for (;; now = clock_ms()) {
		size_t index;

		while (race_next(&dial->race, now, &index)) {
			int rc = start_target(dial, index, err);

			if (rc != 0) {
				*index_out = index;
				return rc < 0 ? -1 : 0;
			}
		}
		if (race_lost(&dial->race)) {
			(void)err_set(err, "%s", dial->failures);
			err->code = dial->code;
			return -1;
		}
		if (limit_ms > 0 && now >= end)
			return report_timeout(dial, limit_ms, err);
		if (poll(dial->pfds, (nfds_t)dial->race.started,
			 choose_wait(race_wait(&dial->race, now), limit_ms > 0 ? end - now : -1)) < 0) {
			if (errno != EINTR)
				return err_sys(err, "waiting for an answer");
			continue;
		}
		if (check_targets(dial, index_out))
			return 0;
	}
}

int dial_any(struct sockaddr_any *targets, size_t n, int type, int64_t limit_ms, struct dial_way *way_out,
	     struct err *err)
{
	struct dial dial = {.targets = targets, .type = type, .race.n = n};
	int64_t begin = clock_us();
	int rc, fd = -1;
	size_t i;

	race_order(targets, n);
	for (i = 0; i < DIAL_TARGETS_MAX; i++)
		dial.pfds[i] = (struct pollfd){.fd = -1, .events = POLLOUT};
	rc = run_race(&dial, limit_ms, &way_out->index, err);
	if (rc == 0) {
		fd = dial.pfds[way_out->index].fd;
		dial.pfds[way_out->index].fd = -1;
	}
	for (i = 0; i < n; i++)
		fd_close(&dial.pfds[i].fd);
	way_out->tried = dial.race.started;
	way_out->took_us = clock_us() - begin;
	memcpy(way_out->failures, dial.failures, sizeof(way_out->failures));
	return fd;
}
