/* SPDX-License-Identifier: MIT */
#include "change/operation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "fleet/retiring.h"

#define ROUNDS_MAX 1000 /* in one sweep, because each operation that ends may let the next begin: bounds a bug */

/* ---- one operation ---- */

static struct operation *make_operation(struct operations *ops, const struct operation_kind *kind,
					struct member *member, unsigned job)
{
	struct operation *op = calloc(1, kind->size);

	if (op == NULL)
		return NULL;
	op->kind = kind;
	op->all = ops;
	op->member = member_ref(member);
	op->job = job;
	return op;
}

static void free_operation(struct operation *op)
{
	if (op->kind->clear != NULL)
		op->kind->clear(op);
	member_unref(&op->member);
	json_decref(op->remarks);
	free(op);
}

static void begin_operation(struct operation *op)
{
	DL_APPEND(op->all->running, op);
	if (op->kind->is_changer)
		op->all->n_begun++;
	op->all->is_marked = true;
	op->kind->begin(op);
}

struct operation *operation_run(struct operations *ops, const struct operation_kind *kind, struct member *member,
				unsigned job)
{
	struct operation *op = make_operation(ops, kind, member, job);

	if (op != NULL)
		DL_APPEND(ops->running, op);
	return op;
}

int operation_wait(struct operations *ops, const struct operation_kind *kind, struct member *member, unsigned job,
		   int64_t min, int64_t max)
{
	struct operation *op = make_operation(ops, kind, member, job);

	if (op == NULL)
		return -1;
	op->min = min;
	op->max = max;
	DL_APPEND(ops->waiting, op);
	return 0;
}

void operation_progress(struct operation *op, const char *text)
{
	jobs_progress(&op->all->jobs, op->job, text);
}

void operation_finish(struct operation *op, bool success, const char *text, json_t *reasons)
{
	if (op->is_over) {
		json_decref(reasons);
		return;
	}
	op->is_over = true;
	op->all->is_marked = true; /* another operation may wait for this one */
	if (op->kind->is_changer) {
		op->all->n_ended++;
		verdict_log(&op->all->last, success, text, reasons);
	}
	(void)json_array_extend(reasons, op->remarks);
	jobs_done(&op->all->jobs, op->job, success, text, reasons);
}

void operation_finish_removed(struct operation *op)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "service %s was removed meanwhile", op->member->name);
	operation_finish(op, false, text, NULL);
}

struct operation *operation_find(const struct operations *ops, enum order order)
{
	struct operation *op;

	DL_FOREACH (ops->running, op)
		if (op->kind->order == order && !op->is_over)
			return op;
	return NULL;
}

struct operation *operation_find_changer(const struct operations *ops)
{
	struct operation *op;

	DL_FOREACH (ops->running, op)
		if (op->kind->is_changer && !op->is_over)
			return op;
	return NULL;
}

bool operation_is_committed(const struct operation *op)
{
	return op->kind->is_committed != NULL && op->kind->is_committed(op);
}

/* ---- what may run beside what ---- */

static enum order_running classify_running(const struct operation *op)
{
	bool late = operation_is_committed(op);

	switch (op->kind->order) {
	case ORDER_START:
		return RUNNING_START;
	case ORDER_PAUSE:
		return RUNNING_PAUSE;
	case ORDER_DRAIN:
		return RUNNING_DRAIN;
	case ORDER_UNDRAIN:
		return RUNNING_UNDRAIN;
	case ORDER_UPGRADE:
		return late ? RUNNING_UPGRADE_LATE : RUNNING_UPGRADE_EARLY;
	case ORDER_STOP:
		return RUNNING_STOP;
	case ORDER_RELOAD:
	case ORDER_RESTART:
	case ORDER_RESIZE:
	case ORDER_RESUME:
	case ORDER_CANCEL:
	case ORDERS:
		break;
	}
	return late ? RUNNING_CHANGER_LATE : RUNNING_CHANGER_EARLY;
}

static enum order_answer find_answer(const struct operation *op, const struct operation_kind *kind,
				     const struct member *member)
{
	bool is_flag = kind->order == ORDER_PAUSE || kind->order == ORDER_RESUME;

	if (op->is_over || (op->kind->order == ORDER_PAUSE && is_flag && op->member != member))
		return ANSWER_MAY;
	return order_answer(classify_running(op), kind->order);
}

/* Finds the running operation that decides about an order: the one with the strictest answer. For a cancel it is the
 * first one that can be ended. NULL: the order may begin. */
static struct operation *find_deciding(const struct operations *ops, const struct operation_kind *kind,
				       const struct member *member, enum order_answer *answer_out)
{
	static const int rank[] = {
		[ANSWER_MAY] = 0, [ANSWER_ENDS] = 1, [ANSWER_JOINS] = 2, [ANSWER_WAITS] = 3, [ANSWER_REFUSED] = 4};
	struct operation *op, *found = NULL;

	*answer_out = ANSWER_MAY;
	DL_FOREACH (ops->running, op) {
		enum order_answer answer = find_answer(op, kind, member);

		if (kind->order == ORDER_CANCEL && answer == ANSWER_ENDS) {
			*answer_out = answer;
			return op;
		}
		if (rank[answer] < rank[*answer_out] || (rank[answer] == rank[*answer_out] && !op->kind->is_changer))
			continue;
		*answer_out = answer;
		found = op;
	}
	return found;
}

/* An operation before OP in the queue must begin first. */
static bool waits_for_queue(const struct operation *op)
{
	const struct operation *before;

	for (before = op->all->waiting; before != op; before = before->next)
		if (find_answer(before, op->kind, op->member) == ANSWER_WAITS)
			return true;
	return false;
}

static int explain_refusal(const struct operation_kind *kind, const struct operation *by, struct err *err)
{
	if (by != NULL && by->kind->order == ORDER_STOP)
		return err_set(err, "the daemon stops");
	if (by != NULL && by->kind->order == ORDER_START)
		return err_set(err, "the daemon has not started yet");
	if (kind->order == ORDER_CANCEL && by != NULL && by->kind->is_changer)
		return err_set(err, "the new configuration is in force already");
	if (kind->order == ORDER_CANCEL)
		return err_set(err, "there is nothing that could be cancelled");
	return err_set(err, "the daemon is busy with another order");
}

/* Ends the operations that the new order makes pointless. */
static void end_others(struct operations *ops, const struct operation_kind *kind, const struct member *member)
{
	struct operation *op, *next;

	DL_FOREACH_SAFE (ops->running, op, next)
		if (find_answer(op, kind, member) == ANSWER_ENDS)
			op->kind->end(op, kind->order == ORDER_STOP	? "the daemon stops"
					  : kind->order == ORDER_RESUME ? "resumed meanwhile"
					  : kind->order == ORDER_DRAIN	? "drained meanwhile"
					  : kind->order == ORDER_CANCEL ? "cancelled"
									: "undrained meanwhile");
}

static bool is_opposite(enum order a, enum order b)
{
	return (a == ORDER_PAUSE && b == ORDER_RESUME) || (a == ORDER_RESUME && b == ORDER_PAUSE) ||
	       (a == ORDER_DRAIN && b == ORDER_UNDRAIN) || (a == ORDER_UNDRAIN && b == ORDER_DRAIN);
}

/* Finds the same order among those that wait. A caller that asks again shares its verdict; a second resize replaces the
 * limits of the first. An order behind which the opposite one waits is not shared: the last one asked for counts. */
static struct operation *find_waiting(const struct operations *ops, const struct operation_kind *kind,
				      const struct member *member)
{
	struct operation *op, *found = NULL;

	DL_FOREACH (ops->waiting, op) {
		if (op->member != member)
			continue;
		if (op->kind == kind)
			found = op;
		else if (is_opposite(op->kind->order, kind->order))
			found = NULL;
	}
	return found;
}

static unsigned queue_operation(struct operations *ops, const struct operation_kind *kind, struct member *member,
				int64_t min, int64_t max, const struct operation *behind, struct err *err)
{
	struct operation *op = find_waiting(ops, kind, member);
	unsigned job;
	char text[64];

	if (op != NULL) {
		op->min = min;
		op->max = max;
		return op->job;
	}
	job = jobs_new(&ops->jobs);
	if (job == 0 || operation_wait(ops, kind, member, job, min, max) < 0) {
		jobs_done(&ops->jobs, job, false, "no memory for an order", NULL);
		(void)err_set(err, "no memory for an order");
		return 0;
	}
	(void)snprintf(text, sizeof(text), "waiting for the %s before", behind->kind->name);
	jobs_progress(&ops->jobs, job, text);
	return job;
}

unsigned operation_ask(struct operations *ops, const struct operation_kind *kind, struct member *member, int64_t min,
		       int64_t max, struct err *err)
{
	enum order_answer answer;
	struct operation *by = find_deciding(ops, kind, member, &answer), *op;
	unsigned job;

	if (answer == ANSWER_REFUSED || (kind->order == ORDER_CANCEL && answer != ANSWER_ENDS)) {
		(void)explain_refusal(kind, by, err);
		return 0;
	}
	if (answer == ANSWER_JOINS)
		return by->job;
	if (answer == ANSWER_WAITS)
		return queue_operation(ops, kind, member, min, max, by, err);
	job = jobs_new(&ops->jobs);
	op = job != 0 ? make_operation(ops, kind, member, job) : NULL;
	if (op == NULL) {
		jobs_done(&ops->jobs, job, false, "no memory for an order", NULL);
		(void)err_set(err, "no memory for an order");
		return 0;
	}
	op->min = min;
	op->max = max;
	end_others(ops, kind, member);
	begin_operation(op);
	return job;
}

/* ---- the sweep ---- */

static void step_operations(struct operations *ops, int64_t now)
{
	bool all = ops->is_marked;
	struct operation *op;

	ops->is_marked = false;
	DL_FOREACH (ops->running, op)
		if (!op->is_over && op->kind->step != NULL && (all || (op->due_ms != 0 && op->due_ms <= now)))
			op->due_ms = op->kind->step(op, now);
}

static void free_finished(struct operations *ops)
{
	struct operation *op, *next;

	DL_FOREACH_SAFE (ops->running, op, next) {
		if (!op->is_over)
			continue;
		DL_DELETE(ops->running, op);
		free_operation(op);
	}
}

/* Begins the first waiting operation that may begin. True: one began. */
static bool begin_waiting(struct operations *ops)
{
	struct operation *op;

	DL_FOREACH (ops->waiting, op) {
		enum order_answer answer;

		if (waits_for_queue(op))
			continue;
		(void)find_deciding(ops, op->kind, op->member, &answer);
		if (answer == ANSWER_WAITS)
			continue;
		DL_DELETE(ops->waiting, op);
		end_others(ops, op->kind, op->member);
		begin_operation(op);
		return true;
	}
	return false;
}

static int on_operations_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	(void)userdata;
	return 0; /* the sweep follows every event */
}

/* Sets the timer to the earliest due time. If there is no timer, the loop's tick, once a second, leads to a sweep. */
static void set_timer(struct operations *ops, int64_t now)
{
	const struct operation *op;
	int64_t due = 0;
	uint64_t usec;

	DL_FOREACH (ops->running, op)
		if (op->due_ms != 0 && (due == 0 || op->due_ms < due))
			due = op->due_ms;
	if (due == 0) {
		if (ops->timer != NULL)
			(void)sd_event_source_set_enabled(ops->timer, SD_EVENT_OFF);
		return;
	}
	usec = due > now ? (uint64_t)(due - now) * 1000 : 0;
	if (ops->timer == NULL)
		(void)sd_event_add_time_relative(ops->fleet->event, &ops->timer, CLOCK_MONOTONIC, usec, 1000,
						 on_operations_timer, ops);
	else
		(void)sd_event_source_set_time_relative(ops->timer, usec);
	if (ops->timer != NULL)
		(void)sd_event_source_set_enabled(ops->timer, SD_EVENT_ONESHOT);
}

void operations_sweep(struct operations *ops)
{
	int64_t now = clock_ms();

	if (ops->fleet->retiring_due)
		retiring_step(ops->fleet);
	for (int i = 0; i < ROUNDS_MAX; i++) {
		step_operations(ops, now);
		free_finished(ops);
		if (ops->on_swept != NULL) /* before the next begins: each has its READY=1 */
			ops->on_swept(ops->userdata);
		if (!begin_waiting(ops) && !ops->is_marked)
			break;
	}
	if (ops->jobs.has_news && ops->on_answer != NULL) {
		ops->jobs.has_news = false;
		ops->on_answer(ops->userdata);
	}
	set_timer(ops, now);
}

static int on_event_over(sd_event_source *source, void *userdata)
{
	(void)source;
	operations_sweep(userdata);
	return 0;
}

int operations_watch(struct operations *ops, struct err *err)
{
	int rc = sd_event_add_post(ops->fleet->event, &ops->post, on_event_over, ops);

	/* Before any other event that is pending: none may find an operation that is over. */
	if (rc >= 0)
		rc = sd_event_source_set_priority(ops->post, SD_EVENT_PRIORITY_IMPORTANT);
	if (rc >= 0)
		return 0;
	return err_code(err, -rc, "cannot set up the event loop");
}

void operations_mark(struct operations *ops)
{
	ops->is_marked = true;
}

void operations_end_all(struct operations *ops, const struct operation *but, const char *why)
{
	struct operation *op, *next;

	DL_FOREACH_SAFE (ops->waiting, op, next) {
		DL_DELETE(ops->waiting, op);
		jobs_done(&ops->jobs, op->job, false, why, NULL);
		free_operation(op);
	}
	DL_FOREACH (ops->running, op)
		if (op != but && !op->is_over)
			op->kind->end(op, why);
}

void operations_clear(struct operations *ops)
{
	struct operation *op, *next;

	DL_FOREACH_SAFE (ops->waiting, op, next) {
		DL_DELETE(ops->waiting, op);
		free_operation(op);
	}
	DL_FOREACH_SAFE (ops->running, op, next) {
		DL_DELETE(ops->running, op);
		free_operation(op);
	}
	jobs_clear(&ops->jobs);
	ops->timer = sd_event_source_disable_unref(ops->timer);
	ops->post = sd_event_source_disable_unref(ops->post);
}
