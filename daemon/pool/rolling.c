/* SPDX-License-Identifier: MIT */
#include "pool/rolling.h"

#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "pool/pool.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"

#define PATIENCE_MS 10000 /* beyond what a program may take to start: crashes, and the pauses after them */
#define START_MS    60000 /* where timeouts.start allows any time */

void rolling_begin(struct pool *fresh, const struct pool *old)
{
	fresh->copies = old != NULL && old->service->program.runs ? fresh->service->workers.max_unavailable : 0;
	fresh->rolled_ms = clock_ms();
}

/* As many as are wanted by now are ready, in each lane that has clients. */
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

/* All but KEEP of each lane; those that live longest first, as their list is. */
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

static bool is_over(struct pool *fresh)
{
	fresh->copies = 0;
	return true;
}

bool rolling_step(struct pool *fresh, struct pool *old, int64_t now_ms)
{
	if (fresh->state != POOL_SERVING) /* paused or drained meanwhile: later it starts with all */
		return is_over(fresh);
	pool_look_after(fresh, false);
	if (!is_settled(fresh))
		return is_late(fresh, now_ms) && is_over(fresh);
	if (fresh->copies == 0 || fresh->copies >= fresh->limits.min)
		return is_over(fresh);
	if (old != NULL)
		retire_down_to(old, fresh->limits.min - fresh->copies);
	fresh->copies += fresh->service->workers.max_unavailable;
	fresh->rolled_ms = now_ms;
	pool_look_after(fresh, false);
	return false;
}
