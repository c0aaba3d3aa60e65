/* SPDX-License-Identifier: MIT */
/*
 * Master. How a copy of a program ended that nobody had told to leave, and what it had said last: for the verdict of an
 * order that replaces programs.
 */
#ifndef PREFORKD_POOL_PROGRAM_END_H
#define PREFORKD_POOL_PROGRAM_END_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/last_lines.h"

struct config_service;
struct proc;

struct program_end {
	int status;	    /* of waitpid(2) */
	bool was_ready;	    /* it had become ready */
	bool was_late;	    /* it was killed, because it did not become ready in time */
	bool left_children; /* processes of its group live on */
	int64_t lived_ms;   /* since its start; since it was ready, if it was */
	struct last_lines lines;
};

/* Records the end of PROC, which is a program. */
void program_end_record(struct program_end *end, const struct proc *proc, int status);

/* Appends to REASONS how a copy of SERVICE ended, and its last lines, each a string of its own. */
void program_end_tell(const struct program_end *end, const struct config_service *service, json_t *reasons);

#endif
