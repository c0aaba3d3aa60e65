/* SPDX-License-Identifier: MIT */
#include "call.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "net/frame.h"
#include "values.h"

#define FULL_QUEUE_MS 20 /* before another connect(2) to a full queue: the kernel does not say when there is room */

struct buffer {
	char *data;
	size_t have, room;
};

void call_init(struct call *call, const char *path)
{
	*call = (struct call){.path = path, .fd = -1};
}

void call_close(struct call *call)
{
	fd_close(&call->fd);
}

/* Notes how the call ended. The caller has filled *err. Returns -1. */
static int note_end(struct call *call, enum call_end end, int status)
{
	call->end = end;
	call->status = status;
	return -1;
}

static int fail_memory(struct call *call, struct err *err)
{
	(void)err_set(err, "out of memory");
	return note_end(call, CALL_FAILED, EX_OSERR);
}

static int fail_silent(struct call *call, bool began, struct err *err)
{
	char who[64] = "the daemon";

	if (call->peer > 0)
		(void)snprintf(who, sizeof(who), "the daemon (pid %d)", (int)call->peer);
	if (began)
		(void)err_set(err, "%s has not finished its answer within %d s", who, CALL_PATIENCE_MS / 1000);
	else
		(void)err_set(err, "%s does not answer: it has been silent for %d s", who, CALL_PATIENCE_MS / 1000);
	return note_end(call, CALL_SILENT, EX_UNAVAILABLE);
}

/*
 * Waits until the connection is ready for EVENTS (0: only the time counts), or until AT_MOST_MS are over (-1: no such
 * limit), and serves the watch meanwhile. BEGAN: a part of the answer is here already (for the error text). Returns 0,
 * or -1 when the time of the call is over or the watch gives up.
 */
static int wait_socket(struct call *call, short events, int at_most_ms, bool began, struct err *err)
{
	struct pollfd fds[3] = {{.fd = events == 0 ? -1 : call->fd, .events = events}};
	int64_t begin = clock_ms();

	for (int i = 0; i < 2; i++) {
		fds[i + 1].fd = call->watch != NULL ? call->watch->fds[i] : -1;
		fds[i + 1].events = POLLIN;
	}
	for (;;) {
		int64_t now = clock_ms(), left = call->deadline_ms - now;
		int n;

		if (left <= 0)
			return fail_silent(call, began, err);
		if (at_most_ms >= 0 && begin + at_most_ms <= now)
			return 0;
		if (at_most_ms >= 0 && left > begin + at_most_ms - now)
			left = begin + at_most_ms - now;
		n = poll(fds, 3, (int)left);
		if (n < 0 && errno != EINTR) {
			(void)err_sys(err, "cannot wait for the daemon");
			return note_end(call, CALL_FAILED, EX_OSERR);
		}
		if (n <= 0)
			continue;
		if ((fds[1].revents != 0 || fds[2].revents != 0) && call->watch->attend(call->watch->context)) {
			(void)err_set(err, "given up");
			return note_end(call, CALL_GIVEN_UP, 1);
		}
		if (fds[0].revents != 0)
			return 0;
	}
}

/* connect(2) failed with an errno for which another try is of no use. */
static int fail_connect(struct call *call, struct err *err)
{
	switch (errno) {
	case ENOENT:
		(void)err_set(err, "%s: no such socket. Is the daemon running?", call->path);
		return note_end(call, CALL_GONE, EX_UNAVAILABLE);
	case ECONNREFUSED:
		(void)err_set(err, "%s: nobody listens there. Is the daemon running?", call->path);
		return note_end(call, CALL_GONE, EX_UNAVAILABLE);
	case EACCES:
	case EPERM:
		(void)err_set(err, "%s: not permitted", call->path);
		return note_end(call, CALL_FAILED, EX_NOPERM);
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
	case EPROTOTYPE:
		(void)err_sys(err, "%s", call->path);
		return note_end(call, CALL_FAILED, EX_UNAVAILABLE);
	default:
		(void)err_sys(err, "%s: cannot connect", call->path);
		return note_end(call, CALL_FAILED, EX_OSERR);
	}
}

static int connect_socket(struct call *call, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(call->path);

	if (length == 0 || length >= sizeof(address.sun_path)) {
		(void)err_set(err, "the path of a socket has 1 to %zu bytes", sizeof(address.sun_path) - 1);
		return note_end(call, CALL_FAILED, EX_USAGE);
	}
	memcpy(address.sun_path, call->path, length);
	while (connect(call->fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return fail_connect(call, err);
		if (wait_socket(call, 0, FULL_QUEUE_MS, false, err) < 0)
			return -1;
	}
	return 0;
}

int call_open(struct call *call, struct err *err)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	call->deadline_ms = clock_ms() + CALL_PATIENCE_MS;
	call->peer = 0;
	call->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (call->fd < 0) {
		(void)err_sys(err, "cannot make a socket");
		return note_end(call, CALL_FAILED, EX_OSERR);
	}
	if (connect_socket(call, err) < 0) {
		call_close(call);
		return -1;
	}
	if (getsockopt(call->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
		call->peer = peer.pid;
	return 0;
}

/* Returns 0 also when the daemon has closed its end: its reply says why, and is read next. */
static int send_bytes(struct call *call, const char *data, size_t size, struct err *err)
{
	while (size > 0) {
		ssize_t n = send(call->fd, data, size, MSG_NOSIGNAL);

		if (n >= 0) {
			data += n;
			size -= (size_t)n;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return 0;
		} else if (errno == EAGAIN) {
			if (wait_socket(call, POLLOUT, -1, false, err) < 0)
				return -1;
		} else if (errno != EINTR) {
			(void)err_sys(err, "cannot send to the daemon");
			return note_end(call, CALL_FAILED, EX_OSERR);
		}
	}
	return 0;
}

static int send_request(struct call *call, const json_t *request, struct err *err)
{
	size_t size = json_dumpb(request, NULL, 0, JSON_COMPACT);
	char *message;
	int rc;

	if (size == 0 || size > FRAME_REQUEST_MAX) {
		(void)err_set(err, "the request is too long");
		return note_end(call, CALL_FAILED, EX_USAGE);
	}
	message = malloc(FRAME_HEAD + size);
	if (message == NULL)
		return fail_memory(call, err);
	frame_head((unsigned char *)message, (uint32_t)size);
	(void)json_dumpb(request, message + FRAME_HEAD, size, JSON_COMPACT);
	rc = send_bytes(call, message, FRAME_HEAD + size, err);
	free(message);
	return rc;
}

/* Reads once into BUFFER. 0 at the end of the stream, 1 otherwise. */
static int receive_bytes(struct call *call, struct buffer *buffer, struct err *err)
{
	ssize_t n;

	if (buffer->have == buffer->room) {
		size_t room = buffer->room == 0 ? 4096 : buffer->room * 2;
		char *data = realloc(buffer->data, room);

		if (data == NULL)
			return fail_memory(call, err);
		buffer->data = data;
		buffer->room = room;
	}
	n = recv(call->fd, buffer->data + buffer->have, buffer->room - buffer->have, 0);
	if (n > 0) {
		buffer->have += (size_t)n;
		return 1;
	}
	if (n == 0 || errno == ECONNRESET)
		return 0;
	if (errno == EINTR)
		return 1;
	if (errno == EAGAIN)
		return wait_socket(call, POLLIN, -1, buffer->have > 0, err) < 0 ? -1 : 1;
	(void)err_sys(err, "cannot read from the daemon");
	return note_end(call, CALL_FAILED, EX_OSERR);
}

static int fail_protocol(struct call *call, struct err *err, const char *why)
{
	struct err copy;

	/* WHY may point into *err */
	(void)err_set(&copy, "the daemon does not speak as it should: %.400s", why);
	*err = copy;
	return note_end(call, CALL_FAILED, EX_UNAVAILABLE);
}

/* Receives one whole frame. Its body is the *len_out bytes behind the head of FRAME_HEAD bytes. */
static int receive_frame(struct call *call, struct buffer *buffer, size_t *len_out, struct err *err)
{
	for (;;) {
		int rc;

		switch (frame_look(buffer->data, buffer->have, FRAME_REPLY_MAX, len_out, err)) {
		case FRAME_WHOLE:
			return 0;
		case FRAME_BAD:
			return fail_protocol(call, err, err->text);
		case FRAME_MORE:
			break;
		}
		/* wait_socket() checks the time only when there is nothing to read, and a peer may send without a
		 * pause. */
		if (clock_ms() >= call->deadline_ms)
			return fail_silent(call, buffer->have > 0, err);
		rc = receive_bytes(call, buffer, err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			continue;
		if (buffer->have > 0)
			(void)err_set(err, "the daemon closed the connection in the middle of its answer");
		else
			(void)err_set(err, "the daemon closed the connection without an answer");
		return note_end(call, CALL_GONE, EX_UNAVAILABLE);
	}
}

/* Takes exit status and text from a reply whose "ok" is false. */
static int note_refusal(struct call *call, const json_t *reply, struct err *err)
{
	int64_t status;
	char text[400];

	if (!values_integer(reply, "exit", &status) || (status != 1 && status != EX_USAGE && status != EX_NOPERM))
		status = 1;
	(void)err_set(err, "%s", values_text(reply, "error", text, sizeof(text)));
	return note_end(call, CALL_REFUSED, (int)status);
}

static int receive_reply(struct call *call, json_t **reply_out, struct err *err)
{
	struct buffer buffer = {.data = NULL};
	json_error_t error;
	json_t *reply = NULL;
	size_t len;

	if (receive_frame(call, &buffer, &len, err) < 0) {
		free(buffer.data);
		return -1;
	}
	reply = json_loadb(buffer.data + FRAME_HEAD, len, JSON_REJECT_DUPLICATES, &error);
	free(buffer.data);
	if (reply == NULL || !json_is_boolean(json_object_get(reply, "ok"))) {
		(void)fail_protocol(call, err,
				    reply == NULL ? "its answer is not JSON"
						  : "its answer does not say whether all is well");
		json_decref(reply);
		return -1;
	}
	if (json_is_false(json_object_get(reply, "ok"))) {
		(void)note_refusal(call, reply, err);
		json_decref(reply);
		return -1;
	}
	*reply_out = reply;
	return 0;
}

int call_exchange(struct call *call, const json_t *request, json_t **reply_out, struct err *err)
{
	int rc = send_request(call, request, err);

	if (rc == 0)
		rc = receive_reply(call, reply_out, err);
	call_close(call);
	if (rc == 0)
		call->end = CALL_DONE;
	return rc;
}

int call_make(struct call *call, const json_t *request, json_t **reply_out, struct err *err)
{
	return call_open(call, err) < 0 ? -1 : call_exchange(call, request, reply_out, err);
}
