/* SPDX-License-Identifier: MIT */
#include "pool/proc.h"

#include "base/child.h"

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
	child_kill_group(proc->pid);
}
