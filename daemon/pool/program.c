/* SPDX-License-Identifier: MIT */
#include "pool/program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/exit_text.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "base/parse.h"
#include "board/death.h"
#include "config/config.h"
#include "pool/pool.h"
#include "services/family.h"
#include "worker/contract.h"

#define ABORT_GRACE_MS 5000 /* time for the kernel to write a core */
#define AWAY_MS	       1250 /* between two looks, which are due each second: beyond it the master itself was delayed */

struct program *program_new(const struct pool *pool, int *output_out, struct err *err)
{
	struct program *program = calloc(1, sizeof(*program));

	if (program == NULL)
		return (void)err_set(err, "no memory for a program"), NULL;
	program->output = program_output_new(pool->service->name, output_out, err);
	if (program->output == NULL)
		program_free(&program);
	return program;
}

void program_free(struct program **program)
{
	if (*program != NULL)
		program_output_free(&(*program)->output);
	free(*program);
	*program = NULL;
}

void program_limit_output(struct proc *proc)
{
	proc->program->output->lines.per_second = (unsigned)proc->pool->service->program.log_rate;
}

void program_started(struct proc *proc)
{
	program_limit_output(proc);
	program_output_watch(proc->program->output, proc->pid, proc->pool->event);
}

static struct log_about about_program(const struct proc *proc)
{
	struct log_about about = pool_about(proc->pool);

	about.worker = proc->pid;
	return about;
}

/* Writes the slot and the counter of idle workers as a worker itself would (worker.c). */
static void set_state(struct proc *proc, enum slot_state state)
{
	struct board_slot *slot = proc_slot(proc);
	_Atomic int32_t *idle = &proc->pool->board.lanes[proc->lane].idle;
	enum slot_state before = proc_state(proc);

	atomic_store(&slot->since_ms, clock_ms());
	atomic_store(&slot->state, state);
	if (before != SLOT_IDLE && state == SLOT_IDLE)
		(void)atomic_fetch_add(idle, 1);
	else if (before == SLOT_IDLE && state != SLOT_IDLE)
		(void)atomic_fetch_sub(idle, 1);
}

static void become_ready(struct proc *proc)
{
	if (proc_state(proc) != SLOT_STARTING || proc->leaving || proc->kill_ms != 0)
		return;
	proc->program->alive_ms = clock_ms();
	set_state(proc, SLOT_IDLE);
}

void program_said_ready(struct proc *proc)
{
	become_ready(proc);
	board_ring(&proc->pool->board, proc->pool->ring);
}

void program_said_status(struct proc *proc, const char *text)
{
	(void)snprintf(proc->program->status, sizeof(proc->program->status), "%s", text);
}

void program_said_alive(struct proc *proc)
{
	proc->program->alive_ms = clock_ms();
}

void program_look_ready(struct proc *proc, int64_t now_ms)
{
	const struct config_service *service = proc->pool->service;

	if (!service->program.notify && now_ms - proc->started_ms >= service->timeouts.start)
		become_ready(proc);
}

void program_retire(struct proc *proc)
{
	set_state(proc, SLOT_LEAVING);
	/* The master cannot see whether the program still accepts, and takes for granted that it does not. */
	atomic_store(&proc_slot(proc)->has_heard, 1);
	(void)kill(proc->pid, proc->pool->service->program.stop_signal);
}

/* Logs what the processes of a program do that is killed because of the limit KEY. */
static void tell_family(const struct proc *proc, const char *key)
{
	struct log_about about = about_program(proc);
	static struct family family; /* large */

	if (!family_rests(&proc->pool->family, clock_ms()))
		family_look(&family, proc->pid);
	family_tell(&about, key, &family, &proc->pool->family);
}

void program_abort(struct proc *proc, const char *why)
{
	struct log_about about = about_program(proc);

	if (proc->program->abort_ms != 0 || proc->kill_ms != 0)
		return;
	log_about(LOG_ERR, &about, "program %d hangs: %s; SIGABRT", (int)proc->pid, why);
	tell_family(proc, "program.watchdog");
	proc->program->abort_ms = clock_ms();
	(void)kill(proc->pid, SIGABRT);
}

static void kill_program(struct proc *proc, int64_t now)
{
	proc->kill_ms = now + WORKER_CUT_GRACE_MS;
	proc_kill(proc);
}

static void check_watchdog(struct proc *proc, int64_t now)
{
	int64_t limit = proc->pool->service->program.watchdog;
	struct log_about about = about_program(proc);
	char time[32], why[80];

	if (proc->program->abort_ms != 0 && now - proc->program->abort_ms >= ABORT_GRACE_MS) {
		log_about(LOG_ERR, &about, "program %d is still there after SIGABRT; killed", (int)proc->pid);
		kill_program(proc, now);
	} else if (limit != 0 && proc->ready && !proc->leaving && now - proc->program->alive_ms > limit) {
		format_duration(limit, time, sizeof(time));
		(void)snprintf(why, sizeof(why), "no WATCHDOG=1 within %s (program.watchdog)", time);
		program_abort(proc, why);
	}
}

static void check_drain(struct proc *proc, int64_t now)
{
	int64_t limit = proc->pool->service->timeouts.drain;
	struct log_about about = about_program(proc);
	char time[32];

	if (limit == 0 || now - proc->retire_ms < limit)
		return;
	format_duration(limit, time, sizeof(time));
	log_about(LOG_WARNING, &about,
		  "program %d is still there %s after it was told to leave (timeouts.drain); killed", (int)proc->pid,
		  time);
	tell_family(proc, "timeouts.drain");
	kill_program(proc, now);
}

void program_step(struct pool *pool, int64_t now_ms)
{
	bool away = now_ms - pool->looked_ms > AWAY_MS;
	struct proc *proc;

	pool->looked_ms = now_ms;
	DL_FOREACH (pool->procs, proc) {
		if (proc->program == NULL || proc->kill_ms != 0)
			continue;
		if (proc->program->output != NULL)
			program_output_watch(proc->program->output, proc->pid, pool->event);
		if (away) /* what it said meanwhile may not have been read yet */
			proc->program->alive_ms = now_ms;
		check_watchdog(proc, now_ms);
		if (proc->leaving && proc->kill_ms == 0)
			check_drain(proc, now_ms);
	}
}

void program_tell_left(const struct proc *proc, int status)
{
	struct log_about about = about_program(proc);
	char how[128];

	exit_text(status, how, sizeof(how));
	log_about(LOG_DEBUG, &about, "program %d %s", (int)proc->pid, how);
}

void program_tell_death(const struct proc *proc, const struct death *death)
{
	char how[128], details[DEATH_DETAILS_MAX], fields[DEATH_FIELDS_MAX];
	struct log_about about = about_program(proc);

	exit_text(death->status, how, sizeof(how));
	about.message_id = WIFSIGNALED(death->status) ? MESSAGE_ID_WORKER_CRASHED : MESSAGE_ID_WORKER_FAILED;
	about.fields = death_fields(death, fields, sizeof(fields));
	log_about(pool_is_quiet(proc->pool) ? LOG_DEBUG : LOG_ERR, &about, "program %d %s%s%s", (int)proc->pid, how,
		  proc->ready ? ", though nobody told it to leave" : " before it was ready",
		  death_details(death, details, sizeof(details)));
}
