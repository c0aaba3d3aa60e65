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

static enum load_step end_exchange(struct load_conn *conn, enum load_outcome outcome, int error)
{
	conn->outcome = outcome;
	conn->error = error;
	conn->state = LOAD_OPEN;
	return LOAD_STEP_DONE;
}

/* Ends the exchange after an errno of connect(2), send(2) or recv(2). */
static enum load_step fail_exchange(struct load_conn *conn, int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ENOENT: /* no such unix socket */
		return end_exchange(conn, LOAD_REFUSED, error);
	case ECONNRESET:
	case EPIPE:
		return end_exchange(conn, conn->received > 0 ? LOAD_CUT : LOAD_RESET, error);
	case ETIMEDOUT:
		return end_exchange(conn, LOAD_TIMEOUT, error);
	}
	return end_exchange(conn, LOAD_UNREACHABLE, error);
}

/* Sends as much of the request as the socket takes. */
static enum load_step send_request(struct load_conn *conn, const struct load_plan *plan)
{
	while (conn->sent < plan->request_size) {
		ssize_t n = send(conn->fd, conn->request + conn->sent, plan->request_size - conn->sent, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return LOAD_STEP_WAIT;
			return fail_exchange(conn, errno);
		}
		conn->state = LOAD_EXCHANGING;
		conn->sent += (size_t)n;
	}
	if (plan->reply == LOAD_REPLY_EOF && shutdown(conn->fd, SHUT_WR) < 0)
		return fail_exchange(conn, errno);
	return LOAD_STEP_WAIT;
}

/* Without bytes to send, SO_ERROR is the only sign that the connection is up. */
static enum load_step finish_connect(struct load_conn *conn, const struct load_plan *plan)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error != 0)
		return fail_exchange(conn, error);
	conn->state = LOAD_EXCHANGING;
	if (plan->reply == LOAD_REPLY_ECHO && plan->request_size == 0)
		return end_exchange(conn, LOAD_OK, 0);
	return send_request(conn, plan);
}

/* N bytes have come. True if the exchange has ended, with any outcome. */
static bool take_reply(struct load_conn *conn, const struct load_plan *plan, const unsigned char *data, size_t n)
{
	switch (plan->reply) {
	case LOAD_REPLY_EOF:
		conn->received += n;
		return false;
	case LOAD_REPLY_BYTES:
		conn->received += n;
		if (conn->received < plan->reply_size)
			return false;
		(void)end_exchange(conn, conn->received == plan->reply_size ? LOAD_OK : LOAD_WRONG, 0);
		return true;
	case LOAD_REPLY_ECHO:
		if (n > conn->sent - conn->received || memcmp(data, conn->request + conn->received, n) != 0) {
			(void)end_exchange(conn, LOAD_WRONG, 0);
			return true;
		}
		conn->received += n;
		if (conn->received < plan->request_size)
			return false;
		(void)end_exchange(conn, LOAD_OK, 0);
		return true;
	}
	return false;
}

static enum load_step end_reply(struct load_conn *conn, const struct load_plan *plan)
{
	if (plan->reply == LOAD_REPLY_EOF && conn->sent == plan->request_size)
		return end_exchange(conn, LOAD_OK, 0);
	return end_exchange(conn, LOAD_SHORT, 0);
}

/*
 * Receives the reply. One recv(2) usually gets all there is, and epoll reports if there is more. Only when the server
 * has finished, too, a second recv(2) at once saves a round through epoll.
 */
static enum load_step receive_reply(struct load_conn *conn, const struct load_plan *plan, bool finished)
{
	static _Thread_local unsigned char buffer[BUFFER_SIZE];

	for (;;) {
		ssize_t n = recv(conn->fd, buffer, sizeof(buffer), 0);

		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return LOAD_STEP_WAIT;
			return fail_exchange(conn, errno);
		}
		if (n == 0)
			return end_reply(conn, plan);
		if (take_reply(conn, plan, buffer, (size_t)n))
			return LOAD_STEP_DONE;
		if (!finished && (size_t)n < sizeof(buffer))
			return LOAD_STEP_WAIT;
	}
}

/* A connection that is held open should be silent. */
static enum load_step check_held(struct load_conn *conn)
{
	char byte;
	ssize_t n = recv(conn->fd, &byte, 1, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return LOAD_STEP_WAIT;
	return end_exchange(conn, n > 0 ? LOAD_WRONG : LOAD_CUT, n < 0 ? errno : 0);
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

/* Errors of connect(2) that are about this host, not about the server. */
static bool is_local_error(int error)
{
	return error == EADDRNOTAVAIL || error == ENOMEM || error == ENOBUFS || error == EAFNOSUPPORT;
}

/* All local ports are in use, by our connections or by those in TIME_WAIT. */
static enum load_step report_no_port(const struct load_plan *plan, struct err *err)
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
		return finish_connect(conn, plan);
	if (errno == EAGAIN && plan->target.sa.sa_family == AF_UNIX)
		return end_exchange(conn, LOAD_FULL, errno);
	if (errno == EADDRNOTAVAIL)
		return report_no_port(plan, err);
	if (is_local_error(errno))
		return err_sys(err, "cannot connect");
	if (errno != EINPROGRESS)
		return fail_exchange(conn, errno);
	/* On one host the handshake is often over by now, and sending at once saves a round through epoll. If it
	 * is not over, send(2) fails with EAGAIN. */
	return plan->request_size > 0 ? send_request(conn, plan) : LOAD_STEP_WAIT;
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
	return send_request(conn, plan);
}

enum load_step load_conn_event(struct load_conn *conn, const struct load_plan *plan, uint32_t events)
{
	enum load_step step = LOAD_STEP_WAIT;

	if (conn->state == LOAD_OPEN)
		return check_held(conn);
	if (conn->state == LOAD_CONNECTING)
		return finish_connect(conn, plan);
	if ((events & EPOLLOUT) != 0 && conn->sent < plan->request_size)
		step = send_request(conn, plan);
	/* Bytes that the server sent before it closed count, so they are read in any case. */
	if (step == LOAD_STEP_WAIT && (events & ~(uint32_t)EPOLLOUT) != 0)
		step = receive_reply(conn, plan, (events & (EPOLLRDHUP | EPOLLHUP)) != 0);
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
