/* SPDX-License-Identifier: MIT */
#include "services/conn_io.h"

#include <errno.h>
#include <poll.h>
#include <preforkd/module.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "services/conn.h"
#include "services/conn_say.h"
#include "services/deadline.h"

/* The bytes that were read ahead. One connection at a time has it. */
static char ahead[8192];

ssize_t conn_io_read_ahead(struct preforkd_conn *conn)
{
	ssize_t n = preforkd_read(conn, ahead, sizeof(ahead));

	conn->ahead_at = 0;
	conn->ahead_len = n > 0 ? (size_t)n : 0;
	return n;
}

const char *conn_io_ahead(const struct preforkd_conn *conn)
{
	return ahead + conn->ahead_at;
}

size_t conn_io_take_ahead(struct preforkd_conn *conn, void *out, size_t size)
{
	size_t n = conn->ahead_len < size ? conn->ahead_len : size;

	if (out != NULL)
		memcpy(out, conn_io_ahead(conn), n);
	conn->ahead_at += n;
	conn->ahead_len -= n;
	return n;
}

static int fail_call(struct preforkd_conn *conn, const char *what)
{
	int code = errno;

	if (code == ETIMEDOUT || code == ECONNRESET || code == EPIPE)
		conn_say_lost(conn, code);
	else
		(void)preforkd_fail(conn, "cannot %s: %s", what, strerror(code));
	errno = code;
	return -1;
}

/* Somebody made the socket non-blocking: waits as if it were not. */
static void wait_until_ready(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	(void)poll(&p, 1, -1);
}

ssize_t preforkd_read(struct preforkd_conn *conn, void *buf, size_t size)
{
	if (conn_say_if_cut(conn)) /* before recv(2), which would still return bytes that came before the cut */
		return -1;
	if (conn->ahead_len > 0)
		return (ssize_t)conn_io_take_ahead(conn, buf, size);
	conn_limit(conn, false);
	deadline_waits(DEADLINE_READS);
	for (;;) {
		ssize_t n = recv(conn->fd, buf, size, 0);

		if (n > 0) {
			conn_count(conn, (uint64_t)n, 0);
			if (!conn->greeted)
				deadline_greeted();
			conn->greeted = true;
			deadline_waited();
			return n;
		}
		if (conn_say_if_cut(conn))
			return -1;
		if (n == 0) {
			conn->peer_done = size > 0;
			return 0;
		}
		if (errno == EAGAIN)
			wait_until_ready(conn->fd, POLLIN);
		else if (errno != EINTR)
			return fail_call(conn, "read");
	}
}

int preforkd_write(struct preforkd_conn *conn, const void *buf, size_t size)
{
	const char *at = buf;
	bool moved = true;

	conn_limit(conn, false);
	while (size > 0) {
		ssize_t n;

		/* a signal ends send(2) with what has gone so far: in this way a long write is seen to move */
		if (moved)
			deadline_waits(DEADLINE_WRITES);
		n = send(conn->fd, at, size, MSG_NOSIGNAL);
		moved = n > 0;
		if (n > 0) {
			conn_count(conn, 0, (uint64_t)n);
			at += n;
			size -= (size_t)n;
			continue;
		}
		if (conn_say_if_cut(conn))
			return -1;
		if (errno == EAGAIN)
			wait_until_ready(conn->fd, POLLOUT);
		else if (errno != EINTR)
			return fail_call(conn, "write");
	}
	deadline_waited();
	return 0;
}
