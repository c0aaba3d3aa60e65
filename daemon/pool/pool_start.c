/* SPDX-License-Identifier: MIT */
#include "pool/pool_start.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "pool/groups.h"
#include "pool/pool.h"
#include "pool/program.h"
#include "pool/program_notify.h"
#include "pool/worker_output.h"
#include "worker/worker.h"

static struct worker_params params_for(const struct pool *pool, const struct proc *proc, int proof)
{
	return (struct worker_params){
		.config = pool->generation->config,
		.service = pool->service,
		.listener = pool->listeners[proc->lane].fd,
		.board = pool->board.fd,
		.n_lanes = pool->board.n_lanes,
		.n_slots = pool->board.n_slots,
		.ring = pool->ring,
		.dead = pool->dead,
		.targets = pool->targets,
		.sources = pool->sources,
		.seat = (size_t)proc->seat,
		.proof = proof,
		.group = groups_make(pool->service),
		.output = -1,
		.notify = pool->notify != NULL ? pool->notify->name : "",
		.lane = proc->lane,
		.slot = proc->slot,
		.master = getpid(),
		.quiet = pool_is_quiet(pool),
	};
}

static void give_back_places(struct pool *pool, int slot, int seat)
{
	if (slot >= 0)
		board_slot_free(&pool->board, (size_t)slot);
	if (seat >= 0)
		sources_seat_free(pool->sources, (size_t)seat);
}

/* A process that is not there yet, with its slot on the board and its seat in the table of sources. NULL and errno;
 * EAGAIN: all slots or seats are taken. */
static struct proc *new_proc(struct pool *pool, size_t lane, int64_t now)
{
	struct proc *proc = calloc(1, sizeof(*proc));
	int slot = board_slot_take(&pool->board, now), seat = sources_seat_take(pool->sources);

	if (proc == NULL || slot < 0 || seat < 0) {
		give_back_places(pool, slot, seat);
		errno = proc == NULL ? ENOMEM : EAGAIN;
		free(proc);
		return NULL;
	}
	*proc = (struct proc){
		.pool = pool,
		.board = &pool->board,
		.lane = lane,
		.slot = (size_t)slot,
		.seat = seat,
		.started_ms = now,
	};
	return proc;
}

/* The end of new_proc(): the process could not be started. */
static void drop_proc(struct proc *proc)
{
	if (proc == NULL)
		return;
	program_free(&proc->program);
	give_back_places(proc->pool, (int)proc->slot, proc->seat);
	free(proc);
}

/* The standard error of a program or worker. *KEPT_OUT: the pool keeps the descriptor for others. -1 and errno. */
static int find_output(struct proc *proc, int *fd_out, bool *kept_out)
{
	struct pool *pool = proc->pool;
	struct err err;

	*fd_out = -1;
	*kept_out = !pool->service->program.runs;
	if (pool->service->program.runs) {
		proc->program = program_new(pool, fd_out, &err);
		return proc->program != NULL ? 0 : -1;
	}
	/* only now, because a reload may change the target of the log after it has made the pool */
	if (pool->output == NULL && log_is_stderr())
		pool->output = worker_output_new(pool->event, &err);
	if (pool->output != NULL)
		*fd_out = pool->output->write_end;
	return pool->output != NULL || !log_is_stderr() ? 0 : -1;
}

/* Returns twice, as fork(2) does; the child never returns from worker_main(). -1 and errno. */
static int fork_worker(struct proc *proc, int proof)
{
	struct worker_params params = params_for(proc->pool, proc, proof);
	bool kept;
	int saved;

	if (find_output(proc, &params.output, &kept) < 0) {
		fd_close(&params.group);
		return -1;
	}
	proc->pid = fork();
	if (proc->pid == 0)
		worker_main(&params);
	saved = errno;
	fd_close(&params.group);
	if (!kept)
		fd_close(&params.output);
	errno = saved;
	return proc->pid > 0 ? 0 : -1;
}

/* Puts the new process into the table by which its end is noticed. -1 and errno: no memory; it is killed. */
static int enter_table(struct proc *proc)
{
	HASH_ADD(by_pid, *proc->pool->by_pid, pid, sizeof(proc->pid), proc);
	if (proc->by_pid.tbl != NULL)
		return 0;
	(void)kill(proc->pid, SIGKILL);
	while (waitpid(proc->pid, NULL, 0) < 0 && errno == EINTR)
		;
	errno = ENOMEM;
	return -1;
}

static void report_failure(struct pool *pool, const char *why)
{
	static struct log_limit limit;
	struct log_about about = pool_about(pool);
	unsigned missed;

	about.message_id = MESSAGE_ID_WORKER_FAILED;
	if (!pool_is_quiet(pool) && log_limit(&limit, &missed))
		log_about(LOG_ERR, &about, "cannot start a worker: %s; trying again (%zu are running)", why,
			  pool->n_procs);
}

static struct proc *start_worker(struct pool *pool, size_t lane, int proof)
{
	int64_t now = clock_ms();
	struct proc *proc;

	if (pool->generation == NULL) /* of another image, which alone had the configuration for its workers */
		return NULL;
	proc = new_proc(pool, lane, now);
	if (proc == NULL && errno == EAGAIN) {
		report_failure(pool, "workers that have not left yet take up all places");
		return NULL; /* no failure that calls for a pause: each look tries again, and the end of any worker is
				followed by one */
	}
	if (proc == NULL || fork_worker(proc, proof) < 0 || enter_table(proc) < 0) {
		int error = errno;

		drop_proc(proc);
		report_failure(pool, strerror(error));
		pool_policy_failed(&pool->policy, now);
		return NULL;
	}
	if (proc->program != NULL)
		program_started(proc);
	DL_APPEND(pool->procs, proc);
	pool->n_procs++;
	return proc;
}

struct proc *pool_start_worker(struct pool *pool, size_t lane)
{
	return start_worker(pool, lane, -1);
}

struct proc *pool_start_held(struct pool *pool, size_t lane, int proof)
{
	return start_worker(pool, lane, proof);
}

struct proc *pool_start_successor(struct pool *pool, size_t lane, struct proc *old)
{
	struct proc *proc = start_worker(pool, lane, -1);

	if (proc == NULL)
		return NULL;
	proc->predecessor = old->pid;
	old->succeeded = true;
	return proc;
}
