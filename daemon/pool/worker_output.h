/* SPDX-License-Identifier: MIT */
/*
 * Master. Where log lines go to standard error, the workers of a pool have one pipe in its place, and the master passes
 * on what they write. With the descriptor itself a worker could cut the file short, shut the socket down, or make it
 * block, for the master and for all services. Lines stay whole and as the workers wrote them.
 */
#ifndef PREFORKD_POOL_WORKER_OUTPUT_H
#define PREFORKD_POOL_WORKER_OUTPUT_H

#include <limits.h>
#include <stddef.h>

#include <systemd/sd-event.h>

struct err;

struct worker_output {
	int fd;	       /* our end; -1: nobody can write any more */
	int write_end; /* for the next worker; -1: there will be none */
	sd_event_source *source, *timer;
	char text[PIPE_BUF]; /* what has been read; a longer line is passed on in parts */
	size_t used;
};

/* Makes a pipe, and passes on what comes through it. EVENT may be NULL: then only when worker_output_pass() is called.
 * NULL and *err: no resources. */
struct worker_output *worker_output_new(sd_event *event, struct err *err);

/* The same with an end FD that another image of this program had, whose workers live on. NULL and *err: no memory, and
 * FD is closed. */
struct worker_output *worker_output_adopt(sd_event *event, int fd, struct err *err);

/* Passes on what is in the pipe now; OUTPUT may be NULL. */
void worker_output_pass(struct worker_output *output);

/* Passes on what is still there, and frees *OUTPUT, which may be NULL. */
void worker_output_free(struct worker_output **output);

#endif
