/* SPDX-License-Identifier: MIT */
/*
 * Master. The verdicts: what was asked for, and what became of it. A job is kept for as long as its operation runs,
 * and among the last JOBS_KEPT that are done afterwards; so a verdict outlives the connection that asked and, handed
 * over, an upgrade of the program.
 */
#ifndef PREFORKD_CHANGE_JOBS_H
#define PREFORKD_CHANGE_JOBS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JOBS_KEPT 16

struct job {
	unsigned number; /* 0: this place is free */
	bool done, success;
	char text[512];	  /* how far it is; then the verdict */
	json_t *reasons;  /* strings; NULL: none */
	struct job *next; /* of those that are not done */
};

struct jobs {
	struct job *open;	    /* list: not done; one each operation that runs or waits */
	struct job done[JOBS_KEPT]; /* a ring */
	size_t n_done;		    /* so many have been put into the ring since the beginning */
	unsigned last;		    /* the number that was given last */
	bool has_news;		    /* a job has been done since somebody has cleared this */
};

/* Opens a job and returns its number. 0: no memory. */
unsigned jobs_new(struct jobs *jobs);

/* NULL: no job of that number is known (any more). Valid until the next call of a function that changes JOBS. */
const struct job *jobs_find(const struct jobs *jobs, unsigned number);

/* Some job has no verdict yet. */
bool jobs_any_pending(const struct jobs *jobs);

/* How far an open job is. NUMBER 0, or one that is done: nothing happens. */
void jobs_progress(struct jobs *jobs, unsigned number, const char *text);

/* The verdict of an open job. REASONS (may be NULL) is taken over. NUMBER 0: nobody waits for it. */
void jobs_done(struct jobs *jobs, unsigned number, bool success, const char *text, json_t *reasons);

/* A job of the image before: JOB's number, state and text are copied; its reasons are referenced. -1: no memory. */
int jobs_restore(struct jobs *jobs, const struct job *job);

void jobs_clear(struct jobs *jobs);

#endif
