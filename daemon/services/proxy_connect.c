/* SPDX-License-Identifier: MIT */
#include "services/proxy_connect.h"

#include <errno.h>
#include <poll.h>
#include <preforkd/module.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "config/config.h"
#include "net/connect_any.h"
#include "net/relay.h"
#include "net/socket_options.h"
#include "services/conn.h"
#include "services/conn_say.h"
#include "services/upstream_addresses.h"
#include "services/upstreams.h"

#define FULL_MS 10 /* until a unix socket whose queue is full is tried again: no event tells that it has room */

/* Why each upstream failed, for the log. */
struct story {
	char text[200];
	size_t used;
};

static void add_failure(struct story *story, const char *upstream, const char *why)
{
	int n = snprintf(story->text + story->used, sizeof(story->text) - story->used, "%s%s: %s",
			 story->used > 0 ? "; " : "", upstream, why);

	story->used += n > 0 ? (size_t)n : 0;
	if (story->used >= sizeof(story->text))
		story->used = sizeof(story->text) - 1; /* cut off; upstreams_failed() has logged each one */
}

/* Is CODE a failure on our side? It says nothing about the upstream: the next connection may well succeed. */
static bool is_our_failure(int code)
{
	switch (code) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EAGAIN:	    /* no process for a look-up */
	case EADDRNOTAVAIL: /* no port is free, or proxy.bind is not an address of this host */
	case EADDRINUSE:
	case ECANCELED:
		return true;
	default:
		return false;
	}
}

/* A client that waits for an upstream. */
struct waiting {
	struct preforkd_conn *conn;
	struct pollfd poll;
};

/* Is the client gone, or has a limit cut it? A client that has only finished sending is not gone, and is not polled any
 * more: poll(2) would report that again and again. */
static bool has_client_gone(void *arg)
{
	struct waiting *waiting = arg;

	if (preforkd_ended(waiting->conn) || relay_is_over(waiting->conn->fd, waiting->poll.revents))
		return true;
	if (waiting->poll.revents != 0)
		waiting->poll.fd = -1;
	return false;
}

/* Connects to one of the addresses. A unix socket whose queue is full is tried again until END, as connect(2) does on a
 * blocking socket. -1 and errno. */
static int connect_until(struct connect_any *any, struct waiting *waiting, int64_t end)
{
	for (;;) {
		int fd = connect_any(any);
		int64_t now;

		if (fd >= 0 || errno != EAGAIN)
			return fd;
		if (any->to->sa.sa_family != AF_UNIX) {
			errno = EADDRNOTAVAIL; /* no port is free */
			return -1;
		}
		now = clock_ms();
		if (now >= end) {
			errno = ETIMEDOUT;
			return -1;
		}
		any->limit_ms = end - now;
		if (poll(&waiting->poll, 1, FULL_MS) < 0)
			waiting->poll.revents = 0;
		if (has_client_gone(waiting)) {
			errno = ECANCELED;
			return -1;
		}
	}
}

/* Another address has answered than WHICH, which was tried before. */
static void tell_failure(size_t i, const struct upstream_addresses *addresses, const struct connect_any *any,
			 size_t which)
{
	const struct connect_attempt *attempt = &any->attempt[which];
	char why[128];

	if (attempt->code != 0)
		(void)snprintf(why, sizeof(why), "has failed: %s", strerror(attempt->code));
	else
		(void)snprintf(why, sizeof(why), "has not answered within %d ms", (int)any->stagger_ms);
	if (attempt->code != 0 ? !is_our_failure(attempt->code) : attempt->waited_ms >= any->stagger_ms)
		upstreams_address_failed(i, addresses, which, why);
}

/* Tries the addresses of an upstream. Returns a connected socket, or -1 and *err. */
static int try_upstream(struct preforkd_conn *conn, size_t i, struct err *err)
{
	const struct config_upstreams *config = &conn->service->upstreams;
	struct waiting waiting = {.conn = conn, .poll = {.fd = conn->fd}};
	struct upstream_addresses addresses;
	struct connect_any any = {
		.to = addresses.at,
		.type = SOCK_STREAM,
		.limit_ms = config->connect_timeout,
		.from = config->bind.len > 0 ? &config->bind : NULL,
		.watch = &waiting.poll,
		.stopped = has_client_gone,
		.arg = &waiting,
	};
	int fd;

	if (upstreams_addresses(i, conn->fd, &addresses, err) < 0)
		return -1;
	any.n = addresses.n;
	fd = connect_until(&any, &waiting, clock_ms() + config->connect_timeout);
	if (fd < 0) {
		err->code = errno;
		(void)snprintf(err->text, sizeof(err->text), "%s", strerror(errno));
		return -1;
	}
	for (size_t k = 0; k < any.started; k++)
		if (k != any.index)
			tell_failure(i, &addresses, &any, k);
	upstreams_address_works(i, &addresses, any.index);
	if (any.to[any.index].sa.sa_family != AF_UNIX)
		socket_options_connected(fd,
					 &conn->service->socket); /* after connect(2), which has a limit of its own */
	return fd;
}

/* The client left, or a limit has cut it. */
static int fail_for_client(struct preforkd_conn *conn)
{
	if (preforkd_ended(conn)) {
		conn_say_cut(conn);
		return -1;
	}
	(void)preforkd_fail(conn, "the client has gone before an upstream took its connection");
	conn->hung_up = true;
	return -1;
}

static int give_up(struct preforkd_conn *conn, const struct story *story)
{
	if (preforkd_ended(conn))
		return fail_for_client(conn);
	conn->unserved = true;
	return preforkd_fail(conn, "no upstream takes the connection: %s", story->text);
}

int proxy_connect(struct preforkd_conn *conn, size_t *which_out)
{
	bool tried[CONFIG_UPSTREAMS_MOST] = {false};
	uint8_t order[CONFIG_UPSTREAMS_MOST];
	struct story story = {.used = 0};
	size_t n = upstreams_order(&conn->peer, order);
	struct err err;

	/* First the upstreams that work as far as known; then the others, since one of them may be back. */
	for (int round = 0; round < 2; round++) {
		for (size_t k = 0; k < n; k++) {
			size_t i = order[k];
			int fd;

			if (tried[i] || (round == 0 && !upstreams_may_try(i)))
				continue;
			tried[i] = true;
			err.code = 0;
			fd = try_upstream(conn, i, &err);
			if (fd >= 0) {
				upstreams_works(i);
				*which_out = i;
				return fd;
			}
			if (is_our_failure(err.code))
				upstreams_untried(i);
			else
				upstreams_failed(i, err.text);
			if (err.code == ECANCELED)
				return fail_for_client(conn);
			add_failure(&story, conn->service->upstreams.list[i].text, err.text);
		}
	}
	return give_up(conn, &story);
}
