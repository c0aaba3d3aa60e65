/* SPDX-License-Identifier: MIT */
/* How workers leave a pool: told to, cut, killed, or by themselves. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/exit_text.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "board/sources.h"
#include "config/config.h"
#include "gate/penalty.h"
#include "pool/pool.h"
#include "pool/program.h"
#include "worker/contract.h"

#define EARLY_MS 1000 /* a worker that served nobody and lived shorter than this has failed */
#define HUNG_MS	 5000 /* a worker without a client that was told to leave is gone long before */

/*
 * By a signal, or out of its service's own code, which called exit(3): a worker that leaves by itself says so in its
 * slot first. The slots that a program before this one has left behind do not tell; those workers have all been told to
 * leave.
 */
static bool has_crashed(const struct proc *proc, int status)
{
	enum slot_state state = proc_state(proc);

	if (!WIFEXITED(status))
		return true;
	return proc->program == NULL && (state == SLOT_IDLE || state == SLOT_BUSY) &&
	       !(proc->leaving && WEXITSTATUS(status) == WORKER_EXIT_DONE);
}

/* The slot outlives its worker, so that it can be said whom a crash has hit. */
static void tell_gone(struct pool *pool, const struct proc *proc, int status, bool crashed, bool failed)
{
	struct log_about who = pool_about(pool);
	char how[128], peer[ADDR_TEXT_MAX];
	struct sockaddr_any addr;

	exit_text(status, how, sizeof(how));
	who.worker = proc->pid;
	if (crashed && proc_state(proc) == SLOT_BUSY) {
		board_peer_get(proc_slot(proc), &addr);
		who.peer = addr_format(&addr, peer, sizeof(peer));
	}
	if (crashed && proc->kill_ms == 0) {
		who.message_id = MESSAGE_ID_WORKER_CRASHED;
		log_about(LOG_ERR, &who, "worker %d %s%s", (int)proc->pid, how,
			  who.peer != NULL ? " while it served this client" : "");
	} else if (failed) {
		who.message_id = MESSAGE_ID_WORKER_FAILED;
		log_about(LOG_ERR, &who, "worker %d %s before it could serve", (int)proc->pid, how);
	} else {
		log_about(LOG_DEBUG, &who, "worker %d %s", (int)proc->pid, how);
	}
}

/* The client whose connection has ended a worker. */
static void blame(const struct pool *pool, const struct proc *proc)
{
	struct log_about who = pool_about(pool);
	char peer[ADDR_TEXT_MAX], text[160];
	struct sockaddr_any addr;
	uint64_t key = atomic_load(&proc_slot(proc)->source);

	if (pool->sources == NULL || key == 0 ||
	    !penalty_fault(pool->sources, pool->service, key, FAULT_CRASH, clock_ms(), text, sizeof(text)))
		return;
	board_peer_get(proc_slot(proc), &addr);
	who.peer = addr_format_host(&addr, peer, sizeof(peer));
	who.message_id = MESSAGE_ID_PENALIZED;
	log_about(LOG_NOTICE, &who, "%s", text);
}

/*
 * The two ends of a replacement hold each other by pid, which the kernel may give to another process as soon as
 * we have reaped this one.
 */
static void forget_replacement(struct pool *pool, const struct proc *gone)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		if (gone->predecessor != 0 && proc->pid == gone->predecessor)
			proc->succeeded = false; /* its successor did not make it: it needs another */
		if (proc->predecessor == gone->pid)
			proc->predecessor = 0;
	}
}

void pool_worker_gone(struct pool *pool, struct proc *proc, int status)
{
	struct board_slot *slot = proc_slot(proc);
	bool busy = proc_state(proc) == SLOT_BUSY;
	bool crashed = has_crashed(proc, status);
	bool told = proc->kill_ms != 0 || (proc->leaving && !busy); /* who leaves finishes its client first */
	bool early = atomic_load(&slot->accepted) == 0 && proc_state(proc) != SLOT_BUSY &&
		     clock_ms() - proc->started_ms < (proc->program != NULL ? PROGRAM_EARLY_MS : EARLY_MS);
	bool winds_down = pool_winds_down(pool); /* then a worker leaves by itself */
	bool failed = (!winds_down || proc->program != NULL) && !proc->leaving &&
		      (!proc->ready || status != 0 || proc->program != NULL) &&
		      (early || proc_state(proc) == SLOT_STARTING);

	if (proc->program != NULL) {
		program_output_free(&proc->program->output); /* its last words first */
		program_tell_gone(proc, status);
	} else {
		tell_gone(pool, proc, status, crashed, failed);
	}
	if ((crashed || proc->program != NULL) && !told)
		pool->totals->gone.crashes++;
	if (crashed && !told && busy)
		blame(pool, proc);
	if (failed) {
		pool_policy_failed(&pool->policy, clock_ms());
		if (!pool->proved && !winds_down)
			pool->failed_start = true;
	}
	if (proc_state(proc) == SLOT_IDLE) /* it took its place among the idle with it */
		(void)atomic_fetch_sub(&pool->board.lanes[proc->lane].idle, 1);
	forget_replacement(pool, proc);
	pool_counts_add(&pool->totals->gone, slot);
	pool_full_gone(pool, slot);
	for (size_t i = 0; i < BOARD_COUNTERS && pool->own.name[i][0] != '\0'; i++)
		totals_own_add(pool->totals, pool->own.name[i], atomic_load(&slot->own[i]), &pool->own);
	board_slot_free(&pool->board, proc->slot);
	if (proc->seat >= 0)
		sources_seat_free(pool->sources, (size_t)proc->seat);
	HASH_DELETE(by_pid, *pool->by_pid, proc);
	DL_DELETE(pool->procs, proc);
	pool->n_procs--;
	program_free(&proc->program);
	free(proc);
}

void pool_retire_proc(struct proc *proc)
{
	proc->leaving = true;
	proc->retire_ms = clock_ms();
	if (proc->program != NULL)
		program_retire(proc);
	else
		(void)kill(proc->pid, WORKER_SIGNAL_RETIRE);
}

void pool_retire(struct pool *pool, ssize_t lane)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (!proc->leaving && (lane < 0 || proc->lane == (size_t)lane))
			pool_retire_proc(proc);
}

bool pool_all_heard(const struct pool *pool)
{
	const struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		if (proc->leaving && proc->kill_ms == 0 && atomic_load(&proc_slot(proc)->has_heard) == 0)
			return false;
	return true;
}

void pool_kill_hung(struct pool *pool, int64_t now_ms)
{
	struct log_about who = pool_about(pool);
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		bool starts = proc_state(proc) == SLOT_STARTING; /* it hears of it only when it is ready */

		if (!proc->leaving || proc->kill_ms != 0 || (!starts && proc_state(proc) != SLOT_IDLE) ||
		    now_ms - proc->retire_ms < HUNG_MS)
			continue;
		who.worker = proc->pid;
		log_about(LOG_ERR, &who, "worker %d %s and does not leave; killed", (int)proc->pid,
			  starts ? "is not ready yet" : "is idle");
		proc->kill_ms = now_ms + WORKER_CUT_GRACE_MS;
		proc_kill(proc);
	}
}

void pool_cut(struct pool *pool, const char *why)
{
	struct log_about who = pool_about(pool);
	char peer[ADDR_TEXT_MAX];
	struct sockaddr_any addr;
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		if (proc->kill_ms != 0)
			continue;
		if (proc_state(proc) == SLOT_BUSY) {
			board_peer_get(proc_slot(proc), &addr);
			who.peer = addr_format(&addr, peer, sizeof(peer));
			who.worker = proc->pid;
			log_about(LOG_WARNING, &who, "cut: %s", why);
		}
		proc->leaving = true;
		proc->kill_ms = clock_ms() + WORKER_CUT_GRACE_MS;
		if (proc->program == NULL) {
			(void)kill(proc->pid, WORKER_SIGNAL_CUT);
			continue;
		}
		who.worker = proc->pid;
		log_about(LOG_WARNING, &who, "program %d is killed: %s", (int)proc->pid, why);
		proc_kill(proc);
	}
}

int64_t pool_kill_overdue(struct pool *pool, int64_t now_ms)
{
	struct log_about who = pool_about(pool);
	int64_t next = 0;
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		if (proc->kill_ms == 0)
			continue;
		if (now_ms >= proc->kill_ms) {
			who.worker = proc->pid;
			log_about(LOG_ERR, &who, "worker %d did not leave; killed", (int)proc->pid);
			proc_kill(proc);
			proc->kill_ms = now_ms + WORKER_CUT_GRACE_MS;
		}
		if (next == 0 || proc->kill_ms < next)
			next = proc->kill_ms;
	}
	return next;
}
