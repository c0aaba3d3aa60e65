/* SPDX-License-Identifier: MIT */
/*
 * Master. Jobs: the records of orders that a caller may wait for, with their progress and their verdict. A job is kept
 * as long as its operation runs, and then as one of the last JOBS_KEPT. So a verdict outlives the caller's connection,
 * and, because jobs are handed over, an upgrade of the program.
 */
#ifndef PREFORKD_CHANGE_JOBS_H
#define PREFORKD_CHANGE_JOBS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JOBS_KEPT 16

struct job {
	unsigned number; /* 0: this record is unused */
	bool done, success;
	char text[512];	  /* the progress; when done, the verdict */
	json_t *reasons;  /* strings; NULL: none */
	struct job *next; /* of those that are not done */
};

struct jobs {
	struct job *open;	    /* list: not done, one for each operation that runs or waits */
	struct job done[JOBS_KEPT]; /* a ring; a new one replaces the oldest */
	size_t n_done;		    /* jobs that were ever put into the ring */
	unsigned last;		    /* the number of the newest job */
	bool has_news;		    /* a job was done since the caller has cleared this */
};

/* Opens a job and returns its number. 0: no memory. */
unsigned jobs_new(struct jobs *jobs);

/* Returns the job NUMBER, valid until the next call that changes JOBS. NULL: the number was never given, or the job is
 * no longer kept. */
const struct job *jobs_find(const struct jobs *jobs, unsigned number);

/* Some job has no verdict yet. */
bool jobs_any_pending(const struct jobs *jobs);

/* Sets the progress of an open job. Nothing happens if NUMBER is 0 or the job is done. */
void jobs_progress(struct jobs *jobs, unsigned number, const char *text);

/* Sets the verdict of an open job. REASONS (may be NULL) is taken over. Nothing else happens if NUMBER is 0 or the job
 * is done. */
void jobs_done(struct jobs *jobs, unsigned number, bool success, const char *text, json_t *reasons);

/* Adds a job of the image before: copies number, state and text of JOB, and takes a reference of its reasons. -1: no
 * memory. */
int jobs_restore(struct jobs *jobs, const struct job *job);

void jobs_clear(struct jobs *jobs);

#endif
