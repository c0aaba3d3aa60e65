/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "load_loop.h"

#define CLEAR "\r\033[K"

bool progress_begin(struct progress *progress)
{
	progress->seconds = 0;
	progress->ok_before = 0;
	progress->shown = false;
	return isatty(STDERR_FILENO) == 1;
}

void progress_show(void *context)
{
	struct progress *progress = context;
	uint64_t ok = 0, lost = 0;
	unsigned i;

	for (i = 0; i < progress->n; i++) {
		ok += atomic_load_explicit(&progress->loops[i].ok_now, memory_order_relaxed);
		lost += atomic_load_explicit(&progress->loops[i].lost_now, memory_order_relaxed);
	}
	(void)fprintf(stderr, CLEAR "%u s: %" PRIu64 " ok, %" PRIu64 " lost, %" PRIu64 "/s", ++progress->seconds, ok,
		      lost, ok > progress->ok_before ? ok - progress->ok_before : 0);
	(void)fflush(stderr);
	progress->ok_before = ok;
	progress->shown = true;
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		(void)fputs(CLEAR, stderr);
}
