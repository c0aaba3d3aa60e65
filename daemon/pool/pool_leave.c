/* SPDX-License-Identifier: MIT */
#include "pool/pool_leave.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/exit_text.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "config/config.h"
#include "config/limit_table.h"
#include "gate/penalty.h"
#include "listeners/listener_mend.h"
#include "pool/groups.h"
#include "pool/pool.h"
#include "pool/pool_count.h"
#include "pool/pool_deaths.h"
#include "pool/pool_full.h"
#include "pool/program.h"
#include "pool/program_end.h"
#include "pool/worker_output.h"
#include "sandbox/violations.h"
#include "worker/contract.h"

#define EARLY_MS 1000 /* a worker that served nobody and lived for less has failed */
#define HUNG_MS	 5000 /* a worker without a client leaves long before, once it was retired */

/* ---- orders ---- */

void pool_retire_proc(struct proc *proc)
{
	proc->leaving = true;
	proc->retire_ms = clock_ms();
	if (proc->program != NULL) {
		program_retire(proc);
		return;
	}
	atomic_store(&proc_slot(proc)->has_heard, 0); /* whatever another worker has written there */
	(void)kill(proc->pid, WORKER_SIGNAL_RETIRE);
}

void pool_retire(struct pool *pool, ssize_t lane)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (!proc->leaving && (lane < 0 || proc->lane == (size_t)lane))
			pool_retire_proc(proc);
}

bool pool_is_deaf(struct proc *proc)
{
	if (proc->leaving && atomic_load(&proc_slot(proc)->has_heard) != 0)
		proc->heard = true;
	return proc->leaving && proc->kill_ms == 0 && !proc->heard;
}

bool pool_all_heard(const struct pool *pool)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (pool_is_deaf(proc))
			return false;
	return true;
}

static void cut_proc(struct proc *proc, const char *why)
{
	struct log_about about = pool_about(proc->pool);
	char peer[ADDR_TEXT_MAX];
	struct sockaddr_any addr;

	about.worker = proc->pid;
	proc->leaving = true;
	proc->kill_ms = clock_ms() + WORKER_CUT_GRACE_MS;
	if (proc_state(proc) == SLOT_BUSY) {
		board_peer_get(proc_slot(proc), &addr);
		about.peer = addr_format(&addr, peer, sizeof(peer));
		log_about(LOG_WARNING, &about, "cut: %s", why);
	}
	if (proc->program == NULL) {
		(void)kill(proc->pid, WORKER_SIGNAL_CUT);
		return;
	}
	log_about(LOG_WARNING, &about, "program %d is killed: %s", (int)proc->pid, why);
	proc_kill(proc);
}

void pool_cut(struct pool *pool, const char *why)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (proc->kill_ms == 0)
			cut_proc(proc, why);
}

void pool_kill_hung(struct pool *pool, int64_t now_ms)
{
	struct log_about about = pool_about(pool);
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		bool starts = proc_state(proc) == SLOT_STARTING; /* it hears the order only when it is ready */

		if (!proc->leaving || proc->kill_ms != 0 || (!starts && proc_state(proc) != SLOT_IDLE) ||
		    now_ms - proc->retire_ms < HUNG_MS)
			continue;
		about.worker = proc->pid;
		log_about(LOG_ERR, &about, "worker %d %s and does not leave; killed", (int)proc->pid,
			  starts ? "is not ready yet" : "is idle");
		proc->kill_ms = now_ms + WORKER_CUT_GRACE_MS;
		proc_kill(proc);
	}
}

int64_t pool_kill_overdue(struct pool *pool, int64_t now_ms)
{
	struct log_about about = pool_about(pool);
	int64_t next = 0;
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		if (proc->kill_ms == 0)
			continue;
		if (now_ms >= proc->kill_ms) {
			about.worker = proc->pid;
			log_about(LOG_ERR, &about, "worker %d did not leave; killed", (int)proc->pid);
			proc_kill(proc);
			proc->kill_ms = now_ms + WORKER_CUT_GRACE_MS;
		}
		if (next == 0 || proc->kill_ms < next)
			next = proc->kill_ms;
	}
	return next;
}

/* ---- the end of one worker ---- */

/* How a worker has ended; judged before its slot is freed. */
struct ending {
	bool busy;    /* it served a client */
	bool crashed; /* it did not leave by itself */
	bool ordered; /* the master wanted it gone; a retired worker finishes its client first */
	bool failed;  /* it ended before it could serve: others may fare no better */
};

/*
 * A worker has crashed when a signal has ended it, or when its service's own code has called exit(3): a worker that
 * leaves by itself says so in its slot first. The slots of another image's workers may not say so, but all of those
 * workers were retired.
 */
static bool has_crashed(const struct proc *proc, int status)
{
	enum slot_state state = proc_state(proc);

	if (!WIFEXITED(status))
		return true;
	return proc->program == NULL && (state == SLOT_IDLE || state == SLOT_BUSY) &&
	       !(proc->leaving && WEXITSTATUS(status) == WORKER_EXIT_DONE);
}

static bool has_ended_early(const struct proc *proc)
{
	int64_t early_ms = proc->program != NULL ? PROGRAM_EARLY_MS : EARLY_MS;

	return atomic_load(&proc_slot(proc)->accepted) == 0 && proc_state(proc) != SLOT_BUSY &&
	       clock_ms() - proc->started_ms < early_ms;
}

/* It left because its listener was shut down, which pool/pool_mend.h mends or has mended meanwhile. Where that is not
 * possible, workers that begin and leave again have failed. */
static bool has_lost_listener(const struct pool *pool, const struct proc *proc, int status)
{
	const struct listener *listener = &pool->listeners[proc->lane];

	if (proc->program != NULL || !WIFEXITED(status) || WEXITSTATUS(status) != WORKER_EXIT_LISTENER)
		return false;
	return listener->lost || proc->started_ms <= listener->mended_ms ||
	       (listener->trouble == LISTEN_WELL && listener_look(listener) != LISTEN_WELL);
}

static bool has_failed(const struct pool *pool, const struct proc *proc, int status)
{
	if (proc->leaving || has_lost_listener(pool, proc, status))
		return false;
	if (proc->program == NULL) {
		if (pool_winds_down(pool)) /* then workers leave by themselves */
			return false;
		if (proc->ready && status == 0)
			return false;
	}
	return has_ended_early(proc) || (!proc->ready && proc_state(proc) == SLOT_STARTING);
}

static struct ending judge_ending(const struct pool *pool, const struct proc *proc, int status)
{
	bool busy = proc_state(proc) == SLOT_BUSY;

	return (struct ending){
		.busy = busy,
		.crashed = has_crashed(proc, status),
		.ordered = proc->kill_ms != 0 || (proc->leaving && !busy),
		.failed = has_failed(pool, proc, status),
	};
}

/* Its death is told; otherwise the worker left as it should. */
static bool is_death(const struct proc *proc, const struct ending *ending)
{
	if (proc->program != NULL)
		return !proc->leaving && proc->kill_ms == 0;
	return (ending->crashed && proc->kill_ms == 0) || ending->failed;
}

/* The worker itself has logged why its set-up failed (worker/contract.h). */
static bool has_told_why(const struct proc *proc, int status, const struct ending *ending)
{
	return proc->program == NULL && !ending->crashed && WEXITSTATUS(status) == WORKER_EXIT_SETUP;
}

/* The system call that has ended a worker, which may have written anything into its slot. NULL: none has. */
static const char *describe_last_call(const struct proc *proc, int status, char *out, size_t size)
{
	uint32_t call = atomic_load(&proc_slot(proc)->last_call);
	char name[VIOLATION_NAME_MAX];

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS || call == 0 || proc->program != NULL)
		return NULL;
	(void)snprintf(out, size, "it tried %s, which sandbox.level forbids",
		       violations_name_own((int)(call - 1), name, sizeof(name)));
	return out;
}

static struct death describe_death(const struct proc *proc, int status, const struct rusage *usage,
				   const struct ending *ending)
{
	struct death death = pool_deaths_describe(proc, status, usage);
	char call[DEATH_REASON_MAX], blame[64];
	const char *reason = describe_last_call(proc, status, call, sizeof(call));

	(void)limit_table_blame(&proc->pool->service->limits, WIFSIGNALED(status) ? WTERMSIG(status) : 0, "", blame,
				sizeof(blame));
	if (has_told_why(proc, status, ending))
		reason = "the set-up failed, and the log has the reason";
	else if (proc->program != NULL && proc->program->abort_ms != 0)
		reason = "it hung, and was sent SIGABRT";
	else if (proc->program != NULL && groups_ran_out(proc->pool->service, proc->pid))
		reason = "the kernel killed it for want of memory";
	else if (reason == NULL)
		reason = blame;
	(void)snprintf(death.reason, sizeof(death.reason), "%s", reason);
	return death;
}

/* The slot outlives its worker, so the log can name the client that a crash has hit. */
static void log_death(struct pool *pool, const struct death *death, const struct ending *ending, bool quiet)
{
	struct log_about about = pool_about(pool);
	char how[128], peer[ADDR_TEXT_MAX], details[DEATH_DETAILS_MAX], fields[DEATH_FIELDS_MAX];
	const char *when = ending->crashed ? "" : " before it could serve";
	struct sockaddr_any addr;

	exit_text(death->status, how, sizeof(how));
	about.worker = death->pid;
	about.fields = death_fields(death, fields, sizeof(fields));
	about.message_id = ending->crashed ? MESSAGE_ID_WORKER_CRASHED : MESSAGE_ID_WORKER_FAILED;
	if (ending->crashed && ending->busy) {
		packed_address_get(death->peer, &addr);
		about.peer = addr_format(&addr, peer, sizeof(peer));
		when = " while it served this client";
	}
	log_about(quiet ? LOG_DEBUG : LOG_ERR, &about, "worker %d %s%s%s", (int)death->pid, how, when,
		  death_details(death, details, sizeof(details)));
}

static void log_leave(struct pool *pool, const struct proc *proc, int status)
{
	struct log_about about = pool_about(pool);
	char how[128];

	exit_text(status, how, sizeof(how));
	about.worker = proc->pid;
	log_about(LOG_DEBUG, &about, "worker %d %s", (int)proc->pid, how);
}

/* The end of a worker or program: one line, and if it is a death, a place among the last ones of the service. */
static void tell_ending(struct pool *pool, const struct proc *proc, int status, const struct rusage *usage,
			const struct ending *ending)
{
	struct death death;

	if (!is_death(proc, ending)) {
		if (proc->program != NULL)
			program_tell_left(proc, status);
		else
			log_leave(pool, proc, status);
		return;
	}
	death = describe_death(proc, status, usage, ending);
	death_explain(&death);
	if (proc->program != NULL)
		program_tell_death(proc, &death);
	else
		log_death(pool, &death, ending, pool_is_quiet(pool) || has_told_why(proc, status, ending));
	pool_deaths_keep(pool, &death);
}

/* Counts a crash against the client whose connection was being served. */
static void penalize_client(const struct pool *pool, const struct proc *proc)
{
	struct log_about about = pool_about(pool);
	char peer[ADDR_TEXT_MAX], text[160];
	struct sockaddr_any addr;
	uint64_t key = atomic_load(&proc_slot(proc)->source);

	if (pool->sources == NULL || key == 0 ||
	    !penalty_fault(pool->sources, pool->service, key, FAULT_CRASH, clock_ms(), text, sizeof(text)))
		return;
	board_peer_get(proc_slot(proc), &addr);
	about.peer = addr_format_host(&addr, peer, sizeof(peer));
	about.message_id = MESSAGE_ID_PENALIZED;
	log_about(LOG_NOTICE, &about, "%s", text);
}

static void remember_crash(struct pool *pool, const struct proc *proc, int status, const struct ending *ending)
{
	struct sockaddr_any addr;

	pool->crashes.last_ms = clock_ms();
	if (pool->crashes.n++ > 0)
		return;
	pool->crashes.status = status;
	if (!ending->busy)
		return;
	board_peer_get(proc_slot(proc), &addr);
	(void)addr_format(&addr, pool->crashes.peer, sizeof(pool->crashes.peer));
}

/* Slow start after failures, and the counts of the service. */
static void record_ending(struct pool *pool, const struct proc *proc, int status, const struct ending *ending)
{
	if ((ending->crashed || proc->program != NULL) && !ending->ordered)
		pool->totals->gone.crashes++;
	if (ending->crashed && !ending->ordered)
		remember_crash(pool, proc, status, ending);
	if (ending->crashed && !ending->ordered && ending->busy)
		penalize_client(pool, proc);
	if (!ending->failed)
		return;
	pool_policy_failed(&pool->policy, clock_ms());
	if (!pool->proved && !pool_winds_down(pool))
		pool->failed_start = true;
}

/*
 * A spent worker and its successor know each other by pid. Once this process is reaped the kernel may give its pid to
 * another one, so the pid must be forgotten now.
 */
static void forget_replacement(struct pool *pool, const struct proc *gone)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		if (gone->predecessor != 0 && proc->pid == gone->predecessor)
			proc->succeeded = false; /* its successor never became ready: it needs another */
		if (proc->predecessor == gone->pid)
			proc->predecessor = 0;
	}
}

/* Adds what the worker has counted to the totals of the service, and gives back its slot and its seat. */
static void clear_slot(struct pool *pool, struct proc *proc)
{
	if (proc_state(proc) == SLOT_IDLE) /* it can no longer take itself off the counter of idle workers */
		(void)atomic_fetch_sub(&pool->board.lanes[proc->lane].idle, 1);
	pool_deaths_end(proc);
	(void)pool_count_look(proc, clock_ms());
	pool_count_add(&pool->totals->gone, &proc->seen);
	pool_full_gone(pool, &proc->seen);
	for (size_t i = 0; i < BOARD_COUNTERS && pool->own.name[i][0] != '\0'; i++)
		totals_own_add(pool->totals, pool->own.name[i], proc->seen_own[i], &pool->own);
	board_slot_free(&pool->board, proc->slot);
	if (proc->seat >= 0)
		sources_seat_free(pool->sources, (size_t)proc->seat);
}

/* A program has ended by itself, or did not get ready in time, while programs are being replaced. */
static void record_loss(struct pool *pool, const struct proc *proc, int status)
{
	if (!pool->is_rolling || proc->leaving || proc->outlived)
		return;
	pool->n_lost++;
	if (pool->last_end == NULL)
		pool->last_end = calloc(1, sizeof(*pool->last_end));
	if (pool->last_end != NULL)
		program_end_record(pool->last_end, proc, status);
}

void pool_worker_gone(struct pool *pool, struct proc *proc, int status, const struct rusage *usage)
{
	struct ending ending = judge_ending(pool, proc, status);

	if (proc->program != NULL) {
		program_output_end(proc->program->output); /* its last lines come before the line about its end */
		record_loss(pool, proc, status);
	} else {
		worker_output_pass(pool->output); /* likewise */
	}
	tell_ending(pool, proc, status, usage, &ending);
	record_ending(pool, proc, status, &ending);
	pool->suspects |= has_lost_listener(pool, proc, status);
	forget_replacement(pool, proc);
	clear_slot(pool, proc);
	groups_left(pool->service, proc->pid);
	HASH_DELETE(by_pid, *pool->by_pid, proc);
	DL_DELETE(pool->procs, proc);
	pool->n_procs--;
	program_free(&proc->program);
	free(proc);
}
