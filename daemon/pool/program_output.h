/* SPDX-License-Identifier: MIT */
/*
 * Master. What a program writes to its standard output and error goes line by line into the log, with the service and
 * the pid. Each program has a pipe of its own. base/line_log.h bounds the lines and drops those that come too fast.
 */
#ifndef PREFORKD_POOL_PROGRAM_OUTPUT_H
#define PREFORKD_POOL_PROGRAM_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/last_lines.h"
#include "base/line_log.h"

struct err;

struct program_output {
	int fd; /* our end; -1: nobody can write any more */
	sd_event_source *source;
	const char *service; /* its name, owned */
	pid_t pid;
	struct line_log lines;
	struct last_lines last;
};

/* A pipe for a program of SERVICE; *write_end_out, close-on-exec, is the caller's. NULL and *err: none could be had. */
struct program_output *program_output_new(const char *service, int *write_end_out, struct err *err);

/* The same with an end FD that another image of this program had; NULL: no memory, and FD is closed. */
struct program_output *program_output_adopt(const char *service, int fd);

/* The program runs. Lines are read as they come from here on; EVENT may be NULL: only at the end. The pool's tick
 * repeats it: the kernel may have lacked memory. */
void program_output_watch(struct program_output *output, pid_t pid, sd_event *event);

/* The program has ended: takes what is still there, and a last line without its newline. NULL is allowed. */
void program_output_end(struct program_output *output);

/* The same, and frees it. NULL is allowed. */
void program_output_free(struct program_output **output);

#endif
