/* SPDX-License-Identifier: MIT */
#include "services/proxy_connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <preforkd/module.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "board/targets.h"
#include "config/config.h"
#include "net/relay.h"
#include "net/socket_options.h"
#include "services/conn.h"
#include "services/conn_say.h"
#include "services/upstreams.h"

#define FULL_MS 10  /* until a unix socket whose queue is full is tried again: no event tells that it has room */
#define LOOK_MS 500 /* longest wait while the client is not polled */

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

/* Is the client gone, or has a limit cut it? A client that has only finished sending is not gone, and is not polled any
 * more: poll(2) would report that again and again. */
static bool is_client_gone(struct preforkd_conn *conn, struct pollfd *client)
{
	if (preforkd_ended(conn) || relay_is_over(conn->fd, client->revents))
		return true;
	if (client->revents != 0)
		client->fd = -1;
	return false;
}

/* The time to wait. When the client's descriptor is not polled, a limit that cuts it just before poll(2) would not wake
 * us: so wait LOOK_MS at most. */
static int wait_ms(const struct pollfd *client, int64_t ms)
{
	if (client->fd < 0 && ms > LOOK_MS)
		return LOOK_MS;
	return ms > INT32_MAX ? INT32_MAX : ms < 0 ? 0 : (int)ms;
}

/* Waits until FD is connected, or END. Returns 0 or an errno value. */
static int wait_connected(struct preforkd_conn *conn, int fd, int64_t end)
{
	struct pollfd p[] = {{.fd = fd, .events = POLLOUT}, {.fd = conn->fd}};
	int code = 0;
	socklen_t len = sizeof(code);

	for (;;) {
		int64_t rest = end - clock_coarse_ms();

		if (poll(p, 2, wait_ms(&p[1], rest)) < 0)
			p[0].revents = p[1].revents = 0;
		if (is_client_gone(conn, &p[1]))
			return ECANCELED;
		if ((p[0].revents & (POLLERR | POLLHUP)) != 0) {
			if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
				return errno;
			return code; /* 0: it was connected, and has ended meanwhile */
		}
		if (p[0].revents != 0)
			return 0;
		if (rest <= 0)
			return ETIMEDOUT;
	}
}

/* Is FD connected to itself? When nobody listens at a local port, the kernel may choose that very port for our end of
 * the connection, and TCP then connects the socket to itself. */
static bool is_connected_to_itself(int fd, const struct sockaddr_any *to)
{
	struct sockaddr_any own = {.len = sizeof(own.ss)}, peer = {.len = sizeof(peer.ss)};

	if (getsockname(fd, &own.sa, &own.len) < 0 || addr_port(&own) != addr_port(to))
		return false;
	/* the real address of the peer: TO may be 0.0.0.0, which means this host */
	return getpeername(fd, &peer.sa, &peer.len) == 0 && addr_equal(&own, &peer);
}

static int connect_until(struct preforkd_conn *conn, int fd, const struct sockaddr_any *to, int64_t end)
{
	struct pollfd client = {.fd = conn->fd};

	for (;;) {
		int code;

		if (connect(fd, &to->sa, to->len) == 0)
			return 0;
		if (errno == EINPROGRESS || errno == EINTR) {
			code = wait_connected(conn, fd, end);
			return code == 0 && is_connected_to_itself(fd, to) ? ECONNREFUSED : code;
		}
		if (errno != EAGAIN)
			return errno;
		if (to->sa.sa_family != AF_UNIX) /* no port is free */
			return EADDRNOTAVAIL;
		if (clock_ms() >= end)
			return ETIMEDOUT;
		if (poll(&client, 1, FULL_MS) < 0)
			client.revents = 0;
		if (is_client_gone(conn, &client))
			return ECANCELED;
	}
}

static int bind_source(int fd, const struct sockaddr_any *from, const struct sockaddr_any *to)
{
	const int yes = 1;

	if (from->len == 0 || to->sa.sa_family == AF_UNIX)
		return 0;
	/* Choose the port at connect(2): then the same port can be used for several upstreams. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
	return bind(fd, &from->sa, from->len);
}

/* A connected socket, or -1 and errno. */
static int try_address(struct preforkd_conn *conn, const struct sockaddr_any *to, int64_t end)
{
	int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int code;

	if (fd < 0)
		return -1;
	code = bind_source(fd, &conn->service->upstreams.bind, to) < 0 ? errno : connect_until(conn, fd, to, end);
	if (code != 0) {
		fd_close(&fd);
		errno = code;
	} else if (to->sa.sa_family != AF_UNIX) {
		socket_options_connected(fd,
					 &conn->service->socket); /* after connect(2), which has a limit of its own */
	}
	return fd;
}

/* Keeps the addresses in LIST that can be reached from proxy.bind. Returns how many; 0 and errno if none can. */
static int keep_fitting(const struct sockaddr_any *from, struct sockaddr_any *list, int n)
{
	int kept = 0;

	for (int k = 0; k < n; k++)
		if (from->len == 0 || list[k].sa.sa_family == from->sa.sa_family || list[k].sa.sa_family == AF_UNIX)
			list[kept++] = list[k];
	if (kept == 0)
		errno = EAFNOSUPPORT;
	return kept;
}

/* Tries all addresses of an upstream; they share its time. Returns a connected socket, or -1 and *err. */
static int try_upstream(struct preforkd_conn *conn, size_t i, struct err *err)
{
	struct sockaddr_any list[TARGET_ADDRESSES];
	int n = upstreams_addresses(i, conn->fd, list, TARGET_ADDRESSES, err), fd = -1;
	int64_t end = clock_coarse_ms() + conn->service->upstreams.connect_timeout;

	if (n <= 0)
		return -1;
	n = keep_fitting(&conn->service->upstreams.bind, list, n);
	for (int k = 0; fd < 0 && k < n; k++) {
		int64_t now = k == 0 && n == 1 ? end : clock_coarse_ms();

		fd = try_address(conn, &list[k], n == 1 ? end : now + (end - now) / (n - k));
		if (fd < 0 && errno == ECANCELED)
			break;
	}
	if (fd < 0) {
		err->code = errno;
		(void)snprintf(err->text, sizeof(err->text), "%s", strerror(errno));
	}
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
