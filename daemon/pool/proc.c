/* SPDX-License-Identifier: MIT */
#include "pool/proc.h"

#include <signal.h>

#include "base/clock.h"
#include "pool/pool.h"
#include "pool/program.h"
#include "worker/contract.h"

struct board_slot *proc_slot(const struct proc *proc)
{
	return &proc->pool->board.slots[proc->slot];
}

enum slot_state proc_state(const struct proc *proc)
{
	return (enum slot_state)atomic_load_explicit(&proc_slot(proc)->state, memory_order_acquire);
}

void proc_retire(struct proc *proc)
{
	proc->leaving = true;
	proc->told_ms = clock_ms();
	if (proc->program != NULL)
		program_retire(proc);
	else
		(void)kill(proc->pid, WORKER_SIGNAL_RETIRE);
}

void proc_kill(const struct proc *proc)
{
	if (proc->program != NULL)
		(void)kill(-proc->pid, SIGKILL);
	(void)kill(proc->pid, SIGKILL); /* which may have left its group to others */
}
