/* SPDX-License-Identifier: MIT */
#include "pool/proc.h"

#include <signal.h>

struct board_slot *proc_slot(const struct proc *proc)
{
	return &proc->board->slots[proc->slot];
}

enum slot_state proc_state(const struct proc *proc)
{
	return (enum slot_state)atomic_load_explicit(&proc_slot(proc)->state, memory_order_acquire);
}

void proc_kill(const struct proc *proc)
{
	if (proc->program != NULL)
		(void)kill(-proc->pid, SIGKILL);
	(void)kill(proc->pid, SIGKILL); /* a program may have left its group */
}
