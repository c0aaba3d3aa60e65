/* SPDX-License-Identifier: MIT */
#include "change/canary.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/fds.h"
#include "change/operation.h"
#include "change/plan.h"
#include "change/rolls.h"
#include "pool/copies.h"
#include "pool/pool_count.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"
#include "pool/pool_start.h"
#include "worker/proof.h"

#define START_MS 60000 /* if timeouts.start is unlimited: a reload must come to an end */

static int on_hold(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	operations_mark(userdata);
	return 0;
}

static int start_held_worker(struct plan_item *item, struct operations *ops, struct err *err)
{
	const char *name = item->fresh->service->name;
	struct proc *proc;
	int ends[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "services.%s: cannot make a socket pair", name);
	proc = pool_start_held(item->fresh, 0, ends[1]);
	fd_close(&ends[1]);
	item->hold = ends[0];
	if (proc == NULL)
		return err_set(err, "services.%s: no worker could be started", name);
	item->canary = proc->pid;
	rc = sd_event_add_io(ops->fleet->event, &item->hold_source, item->hold, EPOLLIN, on_hold, ops);
	if (rc >= 0)
		return 0;
	return err_code(err, -rc, "services.%s: cannot watch its first worker", name);
}

static int start_first(struct plan_item *item, struct operations *ops, struct err *err)
{
	if (item->fresh->service->program.runs)
		return rolls_begin(item, ops->fleet, clock_ms(), err);
	return start_held_worker(item, ops, err);
}

int canary_start(struct plan *plan, struct operations *ops, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		if (plan->items[i].fresh == NULL || start_first(&plan->items[i], ops, err) == 0)
			continue;
		(void)rolls_back(plan, clock_ms()); /* of the services before: none was told anything */
		return -1;
	}
	return 0;
}

int canary_revive(struct plan *plan, struct operations *ops, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct plan_item *item = &plan->items[i];

		if (item->fresh == NULL || item->hold < 0 || item->fresh->procs != NULL || !item->proven || item->again)
			continue;
		item->again = true;
		item->proven = false;
		fd_close(&item->hold);
		if (start_held_worker(item, ops, err) < 0)
			return -1;
	}
	return 0;
}

/* Reads the canary's message. A worker whose set-up fails says why; the end of file means that it has died. */
static enum canary_verdict hear_canary(struct plan_item *item, struct err *err)
{
	const char *name = item->fresh->service->name;
	char message[1 + PROOF_TEXT_MAX], text[PROOF_TEXT_MAX + 64];
	ssize_t n = recv(item->hold, message, sizeof(message), MSG_DONTWAIT);

	if (n > 0 && message[0] == PROOF_PROVEN) {
		/* The canary says nothing more, and the master learns of its end by SIGCHLD. */
		item->hold_source = sd_event_source_disable_unref(item->hold_source);
		item->proven = true;
		return CANARY_PROVEN;
	}
	if (n > 0 && message[0] == PROOF_FAILED) {
		(void)escape_bytes(message + 1, (size_t)n - 1, text, sizeof(text));
		(void)err_set(err, "services.%s: a worker could not start: %s", name, text);
		return CANARY_FAILED;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return CANARY_WAIT;
	(void)err_set(err, "services.%s: a worker died before it could serve", name);
	return CANARY_FAILED;
}

static enum canary_verdict judge_worker(struct plan_item *item, int64_t now, struct err *err)
{
	struct pool *pool = item->fresh;
	int64_t patience = pool->service->timeouts.start;

	if (patience == 0)
		patience = START_MS;
	if (pool->procs == NULL) {
		if (item->proven || hear_canary(item, err) != CANARY_FAILED)
			(void)err_set(err, "services.%s: a worker died before it could serve", pool->service->name);
		return CANARY_FAILED;
	}
	if (item->proven)
		return CANARY_PROVEN;
	if (now - pool->procs->started_ms >= patience) {
		(void)err_set(err, "services.%s: a worker was not ready in time (timeouts.start)", pool->service->name);
		(void)kill(item->canary, SIGKILL);
		return CANARY_FAILED;
	}
	return hear_canary(item, err);
}

enum canary_verdict canary_judge(struct plan *plan, struct err *err)
{
	enum canary_verdict verdict = CANARY_PROVEN;
	int64_t now = clock_ms();

	for (size_t i = 0; i < plan->n; i++) {
		enum canary_verdict one;

		if (plan->items[i].fresh == NULL || plan->items[i].fresh->service->program.runs)
			continue;
		one = judge_worker(&plan->items[i], now, err);
		if (one == CANARY_FAILED)
			return one;
		if (one == CANARY_WAIT)
			verdict = one;
	}
	return verdict;
}

/*
 * Starts as many workers as the old pool has now. With fewer, clients would wait until the pool has grown again. If
 * they are too many, the pool retires idle ones as always.
 */
static void start_rest(struct pool *fresh, const struct pool *old)
{
	struct pool_counts n = pool_count(old, -1);
	int64_t want = n.idle + n.busy + n.starting;
	size_t lane = 0;

	if (want > fresh->limits.max)
		want = fresh->limits.max;
	while ((int64_t)fresh->n_procs < want) {
		lane = (lane + 1) % fresh->n_lanes;
		if (pool_start_worker(fresh, lane) == NULL)
			return;
	}
}

void canary_release(struct plan *plan)
{
	const char go = PROOF_GO;

	for (size_t i = 0; i < plan->n; i++) {
		struct plan_item *item = &plan->items[i];

		if (item->fresh == NULL)
			continue;
		if (item->fresh->state != POOL_SERVING || item->fresh->paused) {
			pool_retire(item->fresh, -1);
			continue;
		}
		if (item->fresh->service->program.runs) {
			copies_end(item->fresh);
			pool_look_after(item->fresh, false);
			continue;
		}
		(void)send(item->hold, &go, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		pool_look_after(item->fresh, false);
		if (item->old != NULL)
			start_rest(item->fresh, item->old);
	}
}
