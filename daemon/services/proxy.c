/* SPDX-License-Identifier: MIT */
/* Worker. The handler "proxy": connects each client to an upstream, and copies the bytes both ways. */
#include <errno.h>
#include <preforkd/module.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fds.h"
#include "config/config.h"
#include "net/proxy_header.h"
#include "net/relay.h"
#include "services/conn.h"
#include "services/conn_say.h"
#include "services/deadline.h"
#include "services/kinds.h"
#include "services/proxy_connect.h"
#include "services/upstreams.h"

struct carried {
	struct preforkd_conn *conn;
	enum relay_wait wait; /* what the relay waited for last */
};

/* A wake-up that moved no bytes must not reset the idle limit. */
static void note_moved(void *arg, uint64_t in, uint64_t out, enum relay_wait wait)
{
	struct carried *carried = arg;
	struct preforkd_conn *conn = carried->conn;

	if (in > 0 || out > 0)
		conn_count(conn, in, out);
	else if (wait == carried->wait)
		return;
	if (in > 0 && !conn->greeted) {
		conn->greeted = true;
		deadline_greeted();
	}
	carried->wait = wait;
	switch (wait) {
	case RELAY_OVER:
		deadline_waited();
		break;
	case RELAY_READS:
		deadline_waits(DEADLINE_READS);
		break;
	case RELAY_WRITES:
		deadline_waits(DEADLINE_WRITES);
		break;
	case RELAY_CLOSES:
		deadline_waits(DEADLINE_CLOSES);
		break;
	}
}

static bool has_ended(void *arg)
{
	const struct carried *carried = arg;

	return preforkd_ended(carried->conn);
}

/* Sends the upstream a PROXY header, before the first byte of the client. It does not block: the buffer of a new
 * connection has room for it. */
static int send_header(struct preforkd_conn *conn, int fd)
{
	int version = conn->service->upstreams.send_proxy;
	struct sockaddr_any to = conn->local;
	char header[PROXY_HEADER_WRITTEN_MAX];
	size_t n;

	if (version == 0)
		return 0;
	if (to.len == 0) {
		to.len = sizeof(to.ss);
		if (getsockname(conn->fd, &to.sa, &to.len) < 0)
			to.len = 0;
	}
	n = proxy_header_write(version, &conn->peer, &to, header, sizeof(header));
	return send(fd, header, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n ? 0 : -1;
}

/* Copies the bytes until the end of the connection. */
static int carry_bytes(struct preforkd_conn *conn, int upstream, const char *name)
{
	struct carried carried = {.conn = conn};
	struct relay relay = {
		.client = conn->fd, .upstream = upstream, .moved = note_moved, .ended = has_ended, .arg = &carried};
	enum relay_end end;

	deadline_beyond(upstream);
	end = relay_carry(&relay);
	deadline_beyond(-1);
	switch (end) {
	case RELAY_DONE:
		conn->peer_done = true;
		return 0;
	case RELAY_ENDED:
		/* The client has got all, and has not even closed: nothing has failed. */
		if (deadline_passed() == DEADLINE_HALF_CLOSED)
			return 0;
		conn_say_cut(conn);
		return -1;
	case RELAY_CLIENT:
		conn->reset = true;
		conn_say_lost(conn, relay.code);
		return -1;
	case RELAY_UPSTREAM:
		break;
	}
	conn->reset = true;
	if (relay.code == ECONNRESET || relay.code == EPIPE)
		return preforkd_fail(conn, "the upstream %s has reset the connection", name);
	return preforkd_fail(conn, "the connection to the upstream %s has failed: %s", name, strerror(relay.code));
}

static int serve_proxy(struct preforkd_conn *conn)
{
	const char *name;
	size_t which;
	int fd, rc;

	conn_limit(conn, false);
	fd = proxy_connect(conn, &which);
	if (fd < 0) {
		conn->reset = !preforkd_ended(conn);
		return -1;
	}
	name = conn->service->upstreams.list[which].text;
	upstreams_taken(which);
	if (send_header(conn, fd) < 0) {
		conn->reset = true;
		rc = preforkd_fail(conn, "the upstream %s takes no PROXY header: %s", name, strerror(errno));
	} else {
		rc = carry_bytes(conn, fd, name);
	}
	if (!conn->peer_done) /* the upstream must not take this for the client's end */
		relay_reset(&fd);
	fd_close(&fd);
	upstreams_left();
	return rc;
}

const struct preforkd_module service_proxy = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(service_proxy),
	.name = "proxy",
	.summary = "passes connections on to another address",
	.flags = PREFORKD_STREAM | PREFORKD_UPSTREAM,
	.serve = serve_proxy,
};
