/* SPDX-License-Identifier: MIT */
/*
 * What somebody has asked for and what became of it: a verdict outlives the connection that asked, and, handed
 * over, an upgrade of the program.
 */
#ifndef PREFORKD_CHANGE_JOBS_H
#define PREFORKD_CHANGE_JOBS_H

#include <jansson.h>
#include <stdbool.h>

#define JOBS_KEPT 16

struct job {
	unsigned number; /* 0: this place is free */
	bool done, success;
	char text[512];	 /* how far it is; then the verdict */
	json_t *reasons; /* strings; NULL: none */
};

struct jobs {
	struct job list[JOBS_KEPT]; /* the newest in place of the oldest */
	unsigned last;
	void (*on_done)(void *userdata); /* NULL: nobody waits */
	void *userdata;
};

/* Returns its number. */
unsigned jobs_new(struct jobs *jobs);

/* NULL: none of that number is known any more. */
struct job *jobs_find(struct jobs *jobs, unsigned number);

/* Some job has no verdict yet. */
bool jobs_any_pending(const struct jobs *jobs);

void jobs_progress(struct jobs *jobs, unsigned number, const char *text);

/* The verdict. REASONS (may be NULL) is taken over. */
void jobs_done(struct jobs *jobs, unsigned number, bool success, const char *text, json_t *reasons);

void jobs_clear(struct jobs *jobs);

#endif
