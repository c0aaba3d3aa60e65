/* SPDX-License-Identifier: MIT */
/*
 * Master. Tries in a child what could hurt the master itself: parsing a configuration, running a new binary. The child
 * writes its findings to a pipe; its time and the number of its bytes are bounded.
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
	pid_t pid; /* 0: no trial is under way */
	int fd;	   /* our end of the pipe */
	sd_event_source *io, *timer;
	char *text; /* the child's output: len bytes and a NUL */
	size_t len;
	bool over;   /* the pipe is closed */
	bool reaped; /* the child has ended: status is valid */
	int status;  /* of waitpid(2) */
	bool late;   /* the child was killed at its time limit */
	void (*done)(struct trial *trial, void *userdata);
	void *userdata;
};

/*
 * Starts a child (base/child.h) that calls RUN, which writes to OUT (or execs a program that does) and returns the exit
 * status. DONE is called once, when the child has ended and the pipe is closed, LIMIT_MS from now at the latest; the
 * caller then calls trial_clear(), in DONE or later. The child inherits the caller's signal mask.
 */
int trial_start(struct trial *trial, sd_event *event, int (*run)(void *arg, int out), void *arg, int64_t limit_ms,
		void (*done)(struct trial *trial, void *userdata), void *userdata, struct err *err);

/* child_reap_any() has reaped PID. True if it was the child of this trial. */
bool trial_reaped(struct trial *trial, pid_t pid, int status);

/* Kills the child if the trial is under way, without a call of DONE, and frees the text. The killed child is reaped by
 * child_reap_any() later. May be called twice. */
void trial_clear(struct trial *trial);

#endif
