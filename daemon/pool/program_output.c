/* SPDX-License-Identifier: MIT */
#include "pool/program_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"

#define CHUNK	   16384
#define PER_SECOND 100 /* lines of a program whose configuration is not known, after an upgrade */
#define REST_MOST  64  /* chunks: what a pipe holds, even if something that escaped goes on writing */

static void log_line(void *userdata, int priority, const char *text)
{
	const struct program_output *o = userdata;
	const struct log_about about = {.service = o->service, .worker = o->pid, .names_worker = true};

	log_about(priority, &about, "%s", text);
}

/* False: there is nothing more for now, or for ever. */
static bool take(struct program_output *o)
{
	char buf[CHUNK];
	ssize_t n = read(o->fd, buf, sizeof(buf));

	if (n > 0)
		line_log_add(&o->lines, buf, (size_t)n);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		line_log_end_line(&o->lines);
		o->source = sd_event_source_disable_unref(o->source);
		fd_close(&o->fd);
	}
	return n > 0;
}

static int on_output(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	(void)take(userdata);
	return 0;
}

struct program_output *program_output_adopt(const char *service, int fd)
{
	struct program_output *o = calloc(1, sizeof(*o));
	char *name = strdup(service);

	if (o == NULL || name == NULL) {
		free(o);
		free(name);
		return NULL;
	}
	o->fd = fd;
	o->service = name;
	o->lines = (struct line_log){
		.source = "the program",
		.per_second = PER_SECOND,
		.write = log_line,
		.userdata = o,
		.last = &o->last,
	};
	return o;
}

struct program_output *program_output_new(const char *service, int *write_end_out, struct err *err)
{
	struct program_output *o;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return (void)err_sys(err, "cannot create a pipe for a program"), NULL;
	/* our end alone: the program's must block, as it expects */
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	o = program_output_adopt(service, ends[0]);
	if (o == NULL) {
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		(void)err_set(err, "no memory for a program");
		return NULL;
	}
	*write_end_out = ends[1];
	return o;
}

void program_output_watch(struct program_output *o, pid_t pid, sd_event *event)
{
	static struct log_limit limit;
	unsigned missed;
	int rc;

	o->pid = pid;
	if (event == NULL || o->fd < 0 || o->source != NULL)
		return;
	rc = sd_event_add_io(event, &o->source, o->fd, EPOLLIN, on_output, o);
	if (rc >= 0) { /* whatever it writes, everything else comes first */
		(void)sd_event_source_set_priority(o->source, SD_EVENT_PRIORITY_IDLE);
		return;
	}
	o->source = NULL;
	if (log_limit(&limit, &missed))
		log_msg(LOG_ERR, "%s: cannot read what program %d writes: %s; trying again", o->service, (int)pid,
			strerror(-rc));
}

void program_output_end(struct program_output *o)
{
	if (o == NULL)
		return;
	for (int i = 0; i < REST_MOST && o->fd >= 0 && take(o); i++)
		;
	line_log_finish(&o->lines);
}

void program_output_free(struct program_output **output)
{
	struct program_output *o = *output;

	*output = NULL;
	if (o == NULL)
		return;
	program_output_end(o);
	o->source = sd_event_source_disable_unref(o->source);
	fd_close(&o->fd);
	free((char *)o->service);
	free(o);
}
