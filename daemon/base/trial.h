/* SPDX-License-Identifier: MIT */
/*
 * Something that must not happen to the master itself, done in a child first: a configuration is parsed, a new binary
 * rehearsed. The child writes its findings to a pipe, in a bounded time and a bounded number of bytes.
 */
#ifndef PREFORKD_BASE_TRIAL_H
#define PREFORKD_BASE_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#define TRIAL_TEXT_MAX (256 * 1024) /* more is not kept */

struct err;

struct trial {
	pid_t pid; /* 0: none is under way */
	int fd;
	sd_event_source *io, *timer;
	char *text; /* what it wrote; len bytes, and a NUL */
	size_t len;
	bool over;   /* the pipe was closed */
	bool reaped; /* the child has ended, with: */
	int status;  /* waitpid(2)'s */
	bool late;   /* it was killed, because its time was over */
	void (*done)(struct trial *trial, void *userdata);
	void *userdata;
};

/*
 * Starts a child that does RUN, which writes to OUT (or execs a program that does) and returns the exit status. The
 * child is in a process group of its own, and dies with the master. DONE is called once it has ended, LIMIT_MS
 * from now at the latest; trial_clear() is the caller's, there or later. The master's signals are blocked in the child.
 */
int trial_start(struct trial *trial, sd_event *event, int (*run)(void *arg, int out), void *arg, int64_t limit_ms,
		void (*done)(struct trial *trial, void *userdata), void *userdata, struct err *err);

/* A child of the master has ended. True if it was this one. */
bool trial_reaped(struct trial *trial, pid_t pid, int status);

/* Ends it if it is still under way, without a call of DONE, and frees its text. */
void trial_clear(struct trial *trial);

#endif
