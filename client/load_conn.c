/* SPDX-License-Identifier: MIT */
#include "load_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fds.h"
#include "dial.h"
#include "load_content.h"
#include "load_plan.h"

#define BUFFER_SIZE (256 * 1024)

const char *load_outcome_name(enum load_outcome outcome)
{
	static const char *const names[LOAD_OUTCOMES] = {
		[LOAD_OK] = "ok",	    [LOAD_REFUSED] = "refused",
		[LOAD_FULL] = "full",	    [LOAD_UNREACHABLE] = "unreachable",
		[LOAD_TIMEOUT] = "timeout", [LOAD_RESET] = "reset",
		[LOAD_CUT] = "cut",	    [LOAD_SHORT] = "short",
		[LOAD_WRONG] = "wrong",	    [LOAD_UNSENT] = "unsent",
	};

	return names[outcome];
}

static enum load_step done(struct load_conn *conn, enum load_outcome outcome, int error)
{
	conn->outcome = outcome;
	conn->error = error;
	conn->state = LOAD_OPEN;
	return LOAD_STEP_DONE;
}

/* What an error of connect, send or recv means for the exchange. */
static enum load_step failed(struct load_conn *conn, int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ENOENT: /* no such unix socket */
		return done(conn, LOAD_REFUSED, error);
	case ECONNRESET:
	case EPIPE:
		return done(conn, conn->received > 0 ? LOAD_CUT : LOAD_RESET, error);
	case ETIMEDOUT:
		return done(conn, LOAD_TIMEOUT, error);
	}
	return done(conn, LOAD_UNREACHABLE, error);
}

/* Sends what is left of the request, as far as it goes. */
static enum load_step push(struct load_conn *conn, const struct load_plan *plan)
{
	while (conn->sent < plan->request_size) {
		ssize_t n = send(conn->fd, conn->request + conn->sent, plan->request_size - conn->sent, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return LOAD_STEP_WAIT;
			return failed(conn, errno);
		}
		conn->state = LOAD_EXCHANGING;
		conn->sent += (size_t)n;
	}
	if (plan->reply == LOAD_REPLY_EOF && shutdown(conn->fd, SHUT_WR) < 0)
		return failed(conn, errno);
	return LOAD_STEP_WAIT;
}

/* A connection that has nothing to send must be asked whether it is up. */
static enum load_step connected(struct load_conn *conn, const struct load_plan *plan)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error != 0)
		return failed(conn, error);
	conn->state = LOAD_EXCHANGING;
	if (plan->reply == LOAD_REPLY_ECHO && plan->request_size == 0)
		return done(conn, LOAD_OK, 0);
	return push(conn, plan);
}

/* N bytes came. True once the exchange has ended, one way or the other. */
static bool take(struct load_conn *conn, const struct load_plan *plan, const unsigned char *data, size_t n)
{
	switch (plan->reply) {
	case LOAD_REPLY_EOF:
		conn->received += n;
		return false;
	case LOAD_REPLY_BYTES:
		conn->received += n;
		if (conn->received < plan->reply_size)
			return false;
		(void)done(conn, conn->received == plan->reply_size ? LOAD_OK : LOAD_WRONG, 0);
		return true;
	case LOAD_REPLY_ECHO:
		if (n > conn->sent - conn->received || memcmp(data, conn->request + conn->received, n) != 0) {
			(void)done(conn, LOAD_WRONG, 0);
			return true;
		}
		conn->received += n;
		if (conn->received < plan->request_size)
			return false;
		(void)done(conn, LOAD_OK, 0);
		return true;
	}
	return false;
}

static enum load_step end_of_reply(struct load_conn *conn, const struct load_plan *plan)
{
	if (plan->reply == LOAD_REPLY_EOF && conn->sent == plan->request_size)
		return done(conn, LOAD_OK, 0);
	return done(conn, LOAD_SHORT, 0);
}

/*
 * Takes what has come. One recv() is mostly all there is, and epoll tells if there is more; only
 * where the server has finished too, asking again at once saves the way through epoll.
 */
static enum load_step pull(struct load_conn *conn, const struct load_plan *plan, bool finished)
{
	static _Thread_local unsigned char buffer[BUFFER_SIZE];

	for (;;) {
		ssize_t n = recv(conn->fd, buffer, sizeof(buffer), 0);

		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return LOAD_STEP_WAIT;
			return failed(conn, errno);
		}
		if (n == 0)
			return end_of_reply(conn, plan);
		if (take(conn, plan, buffer, (size_t)n))
			return LOAD_STEP_DONE;
		if (!finished && (size_t)n < sizeof(buffer))
			return LOAD_STEP_WAIT;
	}
}

/* A connection that is held open should be silent. */
static enum load_step disturbed(struct load_conn *conn)
{
	char byte;
	ssize_t n = recv(conn->fd, &byte, 1, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return LOAD_STEP_WAIT;
	return done(conn, n > 0 ? LOAD_WRONG : LOAD_CUT, n < 0 ? errno : 0);
}

static int open_socket(struct load_conn *conn, const struct load_plan *plan, uint64_t serial, struct err *err)
{
	struct sockaddr_any from = {.len = sizeof(from.in)};

	if (plan->sources == 0) {
		conn->fd = dial_socket(&plan->target, NULL, SOCK_STREAM, err);
	} else {
		from.in.sin_family = AF_INET;
		from.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(serial % plan->sources));
		conn->fd = dial_socket(&plan->target, &from, SOCK_STREAM, err);
	}
	return conn->fd < 0 ? -1 : 0;
}

/* Errors of connect() that say something about this machine, not about the server. */
static bool is_ours(int error)
{
	return error == EADDRNOTAVAIL || error == ENOMEM || error == ENOBUFS || error == EAFNOSUPPORT;
}

/* All ports of the range are taken, by our own connections or by those of the last minute. */
static enum load_step no_port(const struct load_plan *plan, struct err *err)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned low = 0, high = 0;

	if (file != NULL) {
		if (fscanf(file, "%u %u", &low, &high) != 2)
			low = high = 0;
		(void)fclose(file);
	}
	(void)err_set(err,
		      "no local port is free: net.ipv4.ip_local_port_range (%u to %u) is used up, "
		      "with %u source address%s; --sources=N takes more addresses",
		      low, high, plan->sources > 0 ? plan->sources : 1, plan->sources > 1 ? "es" : "");
	return LOAD_STEP_FAILED;
}

static enum load_step open_connection(struct load_conn *conn, const struct load_plan *plan, uint64_t serial,
				      struct err *err)
{
	if (open_socket(conn, plan, serial, err) < 0)
		return LOAD_STEP_FAILED;
	conn->state = LOAD_CONNECTING;
	if (connect(conn->fd, &plan->target.sa, plan->target.len) == 0)
		return connected(conn, plan);
	if (errno == EAGAIN && plan->target.sa.sa_family == AF_UNIX)
		return done(conn, LOAD_FULL, errno);
	if (errno == EADDRNOTAVAIL)
		return no_port(plan, err);
	if (is_ours(errno))
		return err_sys(err, "cannot connect");
	if (errno != EINPROGRESS)
		return failed(conn, errno);
	/*
	 * On one machine the handshake is often over by now; trying saves a round through epoll.
	 * Where it is not, send() says EAGAIN.
	 */
	return plan->request_size > 0 ? push(conn, plan) : LOAD_STEP_WAIT;
}

void load_conn_init(struct load_conn *conn)
{
	*conn = (struct load_conn){.fd = -1};
}

enum load_step load_conn_start(struct load_conn *conn, const struct load_plan *plan, uint64_t serial, struct err *err)
{
	conn->sent = conn->received = 0;
	conn->error = 0;
	conn->request = plan->content;
	if (!plan->fixed)
		conn->request += serial * 61 % LOAD_SHIFTS;
	if (conn->fd < 0)
		return open_connection(conn, plan, serial, err);
	conn->state = LOAD_EXCHANGING;
	return push(conn, plan);
}

enum load_step load_conn_event(struct load_conn *conn, const struct load_plan *plan, uint32_t events)
{
	enum load_step step = LOAD_STEP_WAIT;

	if (conn->state == LOAD_OPEN)
		return disturbed(conn);
	if (conn->state == LOAD_CONNECTING)
		return connected(conn, plan);
	if ((events & EPOLLOUT) != 0 && conn->sent < plan->request_size)
		step = push(conn, plan);
	/* What the server said before it went away counts, so there is a look at it in any case. */
	if (step == LOAD_STEP_WAIT && (events & ~(uint32_t)EPOLLOUT) != 0)
		step = pull(conn, plan, (events & (EPOLLRDHUP | EPOLLHUP)) != 0);
	return step;
}

uint32_t load_conn_wants(const struct load_conn *conn, const struct load_plan *plan)
{
	if (conn->state == LOAD_CONNECTING)
		return EPOLLOUT;
	if (conn->state == LOAD_EXCHANGING && conn->sent < plan->request_size)
		return EPOLLIN | EPOLLOUT | EPOLLRDHUP;
	return EPOLLIN | EPOLLRDHUP;
}

void load_conn_close(struct load_conn *conn)
{
	fd_close(&conn->fd);
	conn->state = LOAD_CLOSED;
	conn->watched = 0;
}
