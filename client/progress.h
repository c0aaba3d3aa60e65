/* SPDX-License-Identifier: MIT */
/* Client. A line on the terminal that shows each second how a load run goes. */
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

/* False if standard error is no terminal: then nothing is shown. */
bool progress_begin(struct progress *progress);

/* Shows the line anew; to be called once a second. CONTEXT is the struct progress. */
void progress_show(void *context);

/* Removes the line. */
void progress_end(struct progress *progress);

#endif
