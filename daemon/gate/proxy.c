/* SPDX-License-Identifier: MIT */
#include "gate/proxy.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/parse.h"
#include "config/config.h"
#include "net/networks.h"
#include "services/conn.h"
#include "services/deadline.h"

#define DECIDED	 12 /* bytes that tell whether it is a header: the longer one of the two signatures */
#define PAUSE_MS 20 /* after a wake-up without new bytes */

/* A header that is being read. */
struct reading {
	int fd;
	bool may_be_none; /* the peer may send no header */
	size_t taken;	  /* bytes of `bytes` that were read from the socket */
	size_t seen;	  /* bytes of `bytes` in all: those after `taken` are still in the socket */
	uint8_t bytes[PROXY_HEADER_V2_MAX];
};

static ssize_t receive_bytes(int fd, void *out, size_t size, int flags)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	/* a limit or an order that interrupts has also shut the socket down, so the next call ends */
	while ((n = recv(fd, out, size, flags)) < 0 && (errno == EINTR || errno == EAGAIN))
		if (errno == EAGAIN) /* another process has made the socket non-blocking */
			(void)poll(&p, 1, -1);
	return n;
}

/* Peeks at the bytes after `taken`; blocks until there is one. 1: there are some; 0: the peer has finished; -1:
 * failure. */
static int peek_bytes(struct reading *reading)
{
	ssize_t n = receive_bytes(reading->fd, reading->bytes + reading->taken, sizeof(reading->bytes) - reading->taken,
				  MSG_PEEK);

	if (n > 0)
		reading->seen = reading->taken + (size_t)n;
	return n > 0 ? 1 : (int)n;
}

/* Reads the bytes that were seen, up to END, from the socket. */
static int take_bytes(struct reading *reading, size_t end)
{
	ssize_t n;

	while (reading->taken < end) {
		n = receive_bytes(reading->fd, reading->bytes + reading->taken, end - reading->taken, 0);
		if (n <= 0)
			return -1;
		reading->taken += (size_t)n;
	}
	return 0;
}

/* Waits until more than HAVE bytes are in a TCP socket: poll(2) obeys SO_RCVLOWAT. */
static void wait_tcp(int fd, size_t have)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
	int low = (int)have + 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
	(void)poll(&p, 1, -1);
	low = 1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
}

/* The same for a unix socket, which ignores SO_RCVLOWAT: peeking with an offset blocks until there are bytes after it.
 */
static void wait_unix(int fd, size_t have)
{
	int offset = (int)have;
	char byte;

	if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset)) < 0)
		return;
	(void)receive_bytes(fd, &byte, 1, MSG_PEEK);
	offset = -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset));
}

/* The bytes that are there may still become a header or not, so they must stay in the socket. Waits for more. False:
 * nothing more will come. */
static bool wait_for_more(struct reading *reading, int family)
{
	size_t had = reading->seen;
	struct pollfd p = {.fd = reading->fd, .events = POLLRDHUP};
	bool over;

	if (family == AF_UNIX)
		wait_unix(reading->fd, had);
	else
		wait_tcp(reading->fd, had);
	over = poll(&p, 1, 0) > 0; /* before the peek, which then sees all bytes before the end */
	if (peek_bytes(reading) <= 0)
		return false;
	if (reading->seen == had && !over) /* woken without new bytes: do not spin */
		(void)poll(NULL, 0, PAUSE_MS);
	return reading->seen > had || !over;
}

static enum refusal refuse_with(enum refusal why, struct proxy_taken *out, const char *text)
{
	(void)err_set(&out->err, "%s", text);
	return why;
}

/* The connection has ended within the header, or before its first byte. */
static enum refusal refuse_ended(const struct reading *reading, struct proxy_taken *out)
{
	if (reading->seen == 0) {
		out->empty = true;
		return reading->may_be_none ? REFUSED_NOT
					    : refuse_with(REFUSED_PROXY_MISSING, out, "ended without a PROXY header");
	}
	(void)err_set(&out->err, "ended after %zu bytes of a PROXY header", reading->seen);
	return REFUSED_PROXY_MALFORMED;
}

static enum refusal read_header(struct reading *reading, int family, struct proxy_taken *out)
{
	struct err err;
	size_t need;

	if (peek_bytes(reading) <= 0)
		return refuse_ended(reading, out);
	for (;;) {
		switch (proxy_header_parse(reading->bytes, reading->seen, &out->header, &out->size, &need, &err)) {
		case PROXY_OK:
			return take_bytes(reading, out->size) < 0 ? refuse_ended(reading, out) : REFUSED_NOT;
		case PROXY_MORE:
			break;
		case PROXY_NONE:
			return reading->may_be_none ? REFUSED_NOT
						    : refuse_with(REFUSED_PROXY_MISSING, out,
								  "began with something else than a PROXY header");
		case PROXY_BAD:
			(void)err_set(&out->err, "malformed PROXY header: %s", err.text);
			return REFUSED_PROXY_MALFORMED;
		}
		if (reading->may_be_none && reading->seen < DECIDED) {
			if (!wait_for_more(reading, family))
				return REFUSED_NOT; /* the end: what is there, like "PRO", is no header */
		} else if (take_bytes(reading, reading->seen) < 0 || peek_bytes(reading) <= 0) {
			return refuse_ended(reading, out);
		}
	}
}

/* Has a limit or an order ended the wait? Then what was read says nothing about the peer. */
static bool was_cut(const struct reading *reading, const struct config_service *service, struct proxy_taken *out)
{
	char limit[32];

	switch (deadline_passed()) {
	case DEADLINE_NONE:
		if (deadline_was_cut())
			(void)err_set(&out->err, "cut, because the worker had to stop");
		return deadline_was_cut();
	case DEADLINE_TOTAL:
		format_duration(service->timeouts.total, limit, sizeof(limit));
		(void)err_set(&out->err, "no whole PROXY header within %s (timeouts.total)", limit);
		return true;
	default: /* DEADLINE_PROXY: no other limit is in force yet */
		format_duration(service->proxy_protocol.timeout, limit, sizeof(limit));
		(void)err_set(&out->err, "%zu bytes of a PROXY header within %s (proxy_protocol.timeout)",
			      reading->seen, limit);
		return true;
	}
}

enum refusal proxy_take(int fd, const struct config_service *service, const struct sockaddr_any *peer,
			const struct unix_peer *cred, struct proxy_taken *out)
{
	const struct config_proxy_protocol *proxy = &service->proxy_protocol;
	struct reading reading;
	enum refusal refusal;

	out->size = 0;
	out->empty = false;
	out->err.text[0] = '\0';
	if (proxy->from == NULL)
		return REFUSED_NOT;
	reading.fd = fd;
	reading.taken = reading.seen = 0;
	reading.may_be_none = networks_find(proxy->without, peer, cred) >= 0;
	if (networks_find(proxy->from, peer, cred) < 0)
		return reading.may_be_none ? REFUSED_NOT
					   : refuse_with(REFUSED_PROXY_UNTRUSTED, out, "not in proxy_protocol.from");
	deadline_proxy(clock_coarse_ms() + proxy->timeout);
	refusal = read_header(&reading, peer->sa.sa_family, out);
	deadline_proxy(0);
	if (was_cut(&reading, service, out)) {
		out->empty = false; /* not the peer ended it */
		refusal = REFUSED_PROXY_TIMEOUT;
	}
	if (refusal != REFUSED_NOT)
		out->size = 0;
	return refusal;
}

enum refusal proxy_admit(struct preforkd_conn *conn, const struct unix_peer *cred, struct proxy_taken *out)
{
	enum refusal refusal = proxy_take(conn->fd, conn->service, &conn->peer, cred, out);

	if (out->size > 0)
		conn_claim(conn, &out->header, out->size);
	return refusal;
}
