/* SPDX-License-Identifier: MIT */
#include "pool/rolling.h"

#include <utlist.h>

#include "base/log.h"
#include "config/config.h"
#include "pool/pool.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"

#define PATIENCE_MS 10000 /* in addition to timeouts.start: for crashes, and the pauses after them */
#define START_MS    60000 /* in place of timeouts.start where that is unlimited */

void rolling_begin(struct pool *fresh, const struct pool *old, int64_t now_ms)
{
	fresh->copies = old != NULL && old->service->program.runs ? fresh->service->workers.max_unavailable : 0;
	fresh->rolled_ms = now_ms;
}

/* As many programs as there should be at the moment are ready in each lane that takes clients. */
static bool is_settled(const struct pool *fresh)
{
	for (size_t i = 0; i < fresh->n_lanes; i++) {
		int64_t ready = 0;
		const struct proc *proc;

		if (fresh->listeners[i].fd < 0 || fresh->listeners[i].refusing)
			continue;
		DL_FOREACH (fresh->procs, proc)
			ready += proc->lane == i && proc->ready && !proc->leaving;
		if (ready < pool_copies(fresh))
			return false;
	}
	return true;
}

/* Retires programs until KEEP are left in each lane; the oldest first, which is the order of the list. */
static void retire_down_to(struct pool *old, int64_t keep)
{
	for (size_t i = 0; i < old->n_lanes; i++) {
		int64_t n = 0;
		struct proc *proc;

		DL_FOREACH (old->procs, proc)
			n += proc->lane == i && !proc->leaving;
		DL_FOREACH (old->procs, proc) {
			if (n <= keep)
				break;
			if (proc->lane != i || proc->leaving)
				continue;
			pool_retire_proc(proc);
			n--;
		}
	}
}

static bool is_late(const struct pool *fresh, int64_t now)
{
	int64_t start = fresh->service->timeouts.start;
	struct log_about about = pool_about(fresh);

	if (now - fresh->rolled_ms < (start != 0 ? start : START_MS) + PATIENCE_MS)
		return false;
	log_about(LOG_ERR, &about, "not all new programs are ready in time; the old ones leave all the same");
	return true;
}

static bool end_rolling(struct pool *fresh)
{
	fresh->copies = 0;
	return true;
}

bool rolling_step(struct pool *fresh, struct pool *old, int64_t now_ms)
{
	if (fresh->state != POOL_SERVING ||
	    fresh->paused) /* it was paused or drained meanwhile, and will start all of them when it serves again */
		return end_rolling(fresh);
	pool_look_after(fresh, false);
	if (!is_settled(fresh))
		return is_late(fresh, now_ms) && end_rolling(fresh);
	if (fresh->copies == 0 || fresh->copies >= fresh->limits.min)
		return end_rolling(fresh);
	if (old != NULL)
		retire_down_to(old, fresh->limits.min - fresh->copies);
	fresh->copies += fresh->service->workers.max_unavailable;
	fresh->rolled_ms = now_ms;
	pool_look_after(fresh, false);
	return false;
}
