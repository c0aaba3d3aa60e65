/* SPDX-License-Identifier: MIT */
#include "pool/worker_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "pool/source_rest.h"

#define REST_MOST 64 /* reads; what a pipe holds and more, even if a worker goes on writing */

/* Passes on the whole lines in the buffer; ALL: and what comes after the last of them. */
static void pass_lines(struct worker_output *o, bool all)
{
	const char *end = memrchr(o->text, '\n', o->used);
	size_t n = end != NULL ? (size_t)(end - o->text) + 1 : 0;

	if (all || (n == 0 && o->used == sizeof(o->text)))
		n = o->used;
	if (n > 0)
		log_raw(o->text, n);
	memmove(o->text, o->text + n, o->used - n);
	o->used -= n;
}

/* Returns how many bytes have come. */
static size_t take(struct worker_output *o)
{
	ssize_t n = read(o->fd, o->text + o->used, sizeof(o->text) - o->used);

	if (n > 0)
		o->used += (size_t)n;
	pass_lines(o, n == 0);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		o->timer = sd_event_source_disable_unref(o->timer);
		o->source = sd_event_source_disable_unref(o->source);
		fd_close(&o->fd);
	}
	return n > 0 ? (size_t)n : 0;
}

/* A worker that writes without end must not take the time of everything else. */
static int on_output(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct worker_output *o = userdata;
	size_t room = sizeof(o->text) - o->used;

	(void)fd;
	(void)revents;
	if (take(o) == room)
		source_rest(source, &o->timer);
	return 0;
}

struct worker_output *worker_output_adopt(sd_event *event, int fd, struct err *err)
{
	struct worker_output *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		fd_close(&fd);
		return (void)err_set(err, "no memory for the standard error of workers"), NULL;
	}
	o->fd = fd;
	o->write_end = -1;
	if (event == NULL || fd < 0)
		return o;
	if (sd_event_add_io(event, &o->source, fd, EPOLLIN, on_output, o) < 0)
		o->source = NULL; /* what they write is passed on when one of them has ended */
	else
		(void)sd_event_source_set_priority(o->source, SD_EVENT_PRIORITY_IDLE);
	return o;
}

struct worker_output *worker_output_new(sd_event *event, struct err *err)
{
	struct worker_output *o;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return (void)err_sys(err, "cannot create a pipe for the standard error of workers"), NULL;
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK); /* our end alone */
	o = worker_output_adopt(event, ends[0], err);
	if (o == NULL)
		fd_close(&ends[1]);
	else
		o->write_end = ends[1];
	return o;
}

void worker_output_pass(struct worker_output *output)
{
	for (int i = 0; output != NULL && i < REST_MOST && output->fd >= 0 && take(output) > 0; i++)
		;
}

void worker_output_free(struct worker_output **output)
{
	struct worker_output *o = *output;

	*output = NULL;
	if (o == NULL)
		return;
	fd_close(&o->write_end);
	worker_output_pass(o);
	pass_lines(o, true);
	(void)sd_event_source_disable_unref(o->timer);
	(void)sd_event_source_disable_unref(o->source);
	fd_close(&o->fd);
	free(o);
}
