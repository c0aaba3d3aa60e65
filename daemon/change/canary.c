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
#include "pool/pool_count.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"
#include "pool/pool_start.h"
#include "pool/rolling.h"
#include "worker/proof.h"

#define START_MS 60000 /* if timeouts.start is unlimited: a reload must come to an end */

/*
 * A program accepts clients as soon as it runs, so its listener must listen first, even a new one. If the service must
 * not serve now, no program is started, and none needs to prove itself.
 */
static int start_program(struct plan_item *item, bool may_serve, struct err *err)
{
	struct pool *pool = item->fresh;
	struct listener *listener = &pool->listeners[0];
	struct proc *proc;
	struct err why;

	if (!may_serve) {
		item->proven = true;
		return 0;
	}
	if (listener->lender == NULL && listener_start(listener, pool->service, &why) < 0)
		return err_set(err, "services.%s: %s", pool->service->name, why.text);
	proc = pool_start_worker(pool, 0);
	if (proc == NULL)
		return err_set(err, "services.%s: no program could be started", pool->service->name);
	item->canary = proc->pid;
	return 0;
}

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

/* The service may serve clients now. Programs are started only then, because they cannot be held back. */
static bool may_serve(const struct plan_item *item, const struct fleet *fleet)
{
	return !fleet->drained && !item->member->paused && (item->old == NULL || item->old->state == POOL_SERVING);
}

int canary_start(struct plan *plan, struct operations *ops, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct plan_item *item = &plan->items[i];
		int rc;

		if (item->fresh == NULL)
			continue;
		if (item->fresh->service->program.runs)
			rc = start_program(item, may_serve(item, ops->fleet), err);
		else
			rc = start_held_worker(item, ops, err);
		if (rc < 0)
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

static enum canary_verdict judge_program(struct plan_item *item, const struct fleet *fleet, int64_t now,
					 struct err *err)
{
	struct pool *pool = item->fresh;
	int64_t patience = pool->service->timeouts.start;
	const struct proc *proc;

	if (item->canary == 0)
		return CANARY_PROVEN;
	if (!may_serve(item, fleet)) { /* paused or drained meanwhile: it must not accept, and proves nothing */
		item->canary = 0;
		item->proven = true;
		pool_retire(pool, -1);
		return CANARY_PROVEN;
	}
	pool_look_after(pool, false);
	proc = pool->procs;
	item->proven = item->proven || (proc != NULL && proc->ready);
	if (proc == NULL) {
		(void)err_set(err, "services.%s: the program ended %s", pool->service->name,
			      item->proven ? "as soon as it was ready" : "before it was ready");
		return CANARY_FAILED;
	}
	if (item->proven)
		return CANARY_PROVEN;
	if (proc->kill_ms == 0 && now - proc->started_ms < (patience != 0 ? patience : START_MS))
		return CANARY_WAIT;
	(void)err_set(err, "services.%s: the program was not ready in time (timeouts.start)", pool->service->name);
	proc_kill(proc);
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

enum canary_verdict canary_judge(struct plan *plan, const struct fleet *fleet, struct err *err)
{
	enum canary_verdict verdict = CANARY_PROVEN;
	int64_t now = clock_ms();

	for (size_t i = 0; i < plan->n; i++) {
		enum canary_verdict one;

		if (plan->items[i].fresh == NULL)
			continue;
		one = plan->items[i].fresh->service->program.runs ? judge_program(&plan->items[i], fleet, now, err)
								  : judge_worker(&plan->items[i], now, err);
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
			rolling_begin(item->fresh, item->old, clock_ms());
			pool_look_after(item->fresh, false);
			continue;
		}
		(void)send(item->hold, &go, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		pool_look_after(item->fresh, false);
		if (item->old != NULL)
			start_rest(item->fresh, item->old);
	}
}
