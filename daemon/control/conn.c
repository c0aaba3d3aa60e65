/* SPDX-License-Identifier: MIT */
#include "control/conn.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "change/operation.h"
#include "control/commands.h"
#include "net/frame.h"

#define ROOM_FIRST  512
#define JOB_WAIT_MS 1000 /* then the client gets the state of its job, and asks again */

void control_conn_free(struct control_conn *conn)
{
	conn->on_close(conn, conn->userdata);
	(void)sd_event_source_disable_unref(conn->io);
	(void)sd_event_source_disable_unref(conn->timer);
	fd_close(&conn->fd);
	free(conn->data);
	free(conn);
}

/* Writes as much as the socket takes; on_io() writes the rest. */
static void write_some(struct control_conn *conn)
{
	while (conn->at < conn->len) {
		ssize_t n = send(conn->fd, conn->data + conn->at, conn->len - conn->at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			conn->at += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			if (sd_event_source_set_io_events(conn->io, EPOLLOUT) >= 0 &&
			    sd_event_source_set_enabled(conn->io, SD_EVENT_ON) >= 0)
				return;
			break;
		} else if (n >= 0 || errno != EINTR) {
			break;
		}
	}
	control_conn_free(conn);
}

/* Takes REPLY over. May free CONN. */
static void send_reply(struct control_conn *conn, json_t *reply)
{
	/* json_dumps(3) leaves out what it has no memory for. */
	size_t len = reply != NULL ? json_dumpb(reply, NULL, 0, JSON_COMPACT) : 0;
	unsigned char *out = len > 0 && len <= FRAME_REPLY_MAX ? malloc(FRAME_HEAD + len) : NULL;
	bool whole = out != NULL && json_dumpb(reply, (char *)out + FRAME_HEAD, len, JSON_COMPACT) == len;

	json_decref(reply);
	if (!whole) { /* no memory, or a reply that is too long for a frame */
		free(out);
		control_conn_free(conn);
		return;
	}
	frame_head(out, (uint32_t)len);
	free(conn->data);
	conn->data = out;
	conn->len = FRAME_HEAD + len;
	conn->at = 0;
	conn->job = 0;
	(void)sd_event_source_set_time_relative(conn->timer, CONTROL_CONN_MS * 1000ULL);
	(void)sd_event_source_set_enabled(conn->timer, SD_EVENT_ONESHOT);
	write_some(conn);
}

static void take_request(struct control_conn *conn, size_t len)
{
	json_error_t error;
	json_t *request = json_loadb((const char *)conn->data + FRAME_HEAD, len, JSON_REJECT_DUPLICATES, &error);
	json_t *reply;

	if (request == NULL && error.text[0] == '\0') { /* jansson says what is wrong with a text, but not this */
		send_reply(conn, commands_refuse(EX_OSERR, "no memory for the request"));
		return;
	}
	if (!json_is_object(request)) {
		json_decref(request);
		send_reply(conn, commands_refuse(64, "the request is no JSON object"));
		return;
	}
	reply = commands_run(conn->ops, &conn->peer, request, &conn->job);
	json_decref(request);
	if (conn->job == 0) {
		send_reply(conn, reply);
		return;
	}
	/* The reply comes with the verdict, or after JOB_WAIT_MS. A client that has gone is noticed then. */
	json_decref(reply);
	(void)sd_event_source_set_enabled(conn->io, SD_EVENT_OFF);
	(void)sd_event_source_set_time_relative(conn->timer, JOB_WAIT_MS * 1000ULL);
	(void)sd_event_source_set_enabled(conn->timer, SD_EVENT_ONESHOT);
}

/* Makes room for NEED bytes, which the head of the request tells. -1: no memory. */
static int make_room(struct control_conn *conn, size_t need)
{
	size_t room = conn->room == 0 ? ROOM_FIRST : conn->room;
	unsigned char *grown;

	if (need > room)
		room = need;
	if (room == conn->room)
		return 0;
	grown = realloc(conn->data, room);
	if (grown == NULL)
		return -1;
	conn->data = grown;
	conn->room = room;
	return 0;
}

static void read_some(struct control_conn *conn)
{
	size_t len = 0;
	struct err err;
	ssize_t n;

	n = recv(conn->fd, conn->data + conn->have, conn->room - conn->have, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		control_conn_free(conn);
		return;
	}
	conn->have += (size_t)n;
	switch (frame_look(conn->data, conn->have, FRAME_REQUEST_MAX, &len, &err)) {
	case FRAME_MORE:
		if (make_room(conn, conn->have < FRAME_HEAD ? 0 : FRAME_HEAD + len) < 0)
			control_conn_free(conn);
		return;
	case FRAME_WHOLE:
		take_request(conn, len);
		return;
	case FRAME_BAD:
		send_reply(conn, commands_refuse(64, err.text));
		return;
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct control_conn *conn = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	if (conn->len > 0)
		write_some(conn);
	else
		read_some(conn);
	return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct control_conn *conn = userdata;

	(void)source;
	(void)usec;
	if (conn->job != 0)
		send_reply(conn, commands_job(conn->ops, conn->job));
	else
		control_conn_free(conn);
	return 0;
}

void control_conn_job_done(struct control_conn *conn)
{
	const struct job *job = jobs_find(&conn->ops->jobs, conn->job);

	if (conn->job != 0 && (job == NULL || job->done))
		send_reply(conn, commands_job(conn->ops, conn->job));
}

struct control_conn *control_conn_new(struct operations *ops, int fd, const struct control_peer *peer,
				      void (*on_close)(struct control_conn *conn, void *userdata), void *userdata)
{
	struct control_conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL) {
		fd_close(&fd);
		return NULL;
	}
	*conn = (struct control_conn){
		.ops = ops,
		.fd = fd,
		.peer = *peer,
		.on_close = on_close,
		.userdata = userdata,
	};
	if (make_room(conn, 0) < 0 || sd_event_add_io(ops->fleet->event, &conn->io, fd, EPOLLIN, on_io, conn) < 0 ||
	    sd_event_add_time_relative(ops->fleet->event, &conn->timer, CLOCK_MONOTONIC, CONTROL_CONN_MS * 1000ULL,
				       1000, on_time, conn) < 0) {
		(void)sd_event_source_disable_unref(conn->io);
		free(conn->data);
		free(conn);
		fd_close(&fd);
		return NULL;
	}
	return conn;
}
