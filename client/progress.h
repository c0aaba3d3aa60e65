/* SPDX-License-Identifier: MIT */
/* One line on a terminal that says each second how a load run goes. */
#ifndef PREFORKD_CLIENT_PROGRESS_H
#define PREFORKD_CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct load_loop;

struct progress {
	const struct load_loop *loops;
	unsigned n;
	unsigned seconds;
	uint64_t ok_before;
	bool shown;
};

/* False where standard error is no terminal: nobody looks on. */
bool progress_begin(struct progress *progress);

/* A full second has passed; CONTEXT is the struct progress. */
void progress_show(void *context);

/* Takes the line away. */
void progress_end(struct progress *progress);

#endif
