/* SPDX-License-Identifier: MIT */
/* The master's own table of its workers, by pid. It is this table that the master believes. */
#ifndef PREFORKD_POOL_PROC_H
#define PREFORKD_POOL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uthash.h>

#include "board/board.h"

struct pool;
struct program;

struct proc {
	pid_t pid;
	struct pool *pool;
	size_t lane, slot;
	int seat; /* in its pool's table of sources; -1: in another image's, which is not read */
	int64_t started_ms;
	bool ready;		 /* has been seen idle or busy */
	bool believed;		 /* its pool may start others at once again, after failures */
	bool leaving;		 /* was told to leave */
	int64_t retire_ms;	 /* when it was told so; ms of the clock */
	bool succeeded;		 /* spent, and its successor is under way */
	pid_t predecessor;	 /* leaves when this one is ready; 0: none */
	int64_t kill_ms;	 /* was cut: is killed then; 0: not */
	int64_t evict_ms;	 /* was told to let its client go; 0: never */
	uint32_t evict_turn;	 /* and which one (board.h) */
	int64_t sampled_ms;	 /* when its memory was looked at; 0: never */
	struct program *program; /* owned; NULL: it is a worker of ours */
	UT_hash_handle by_pid;
	struct proc *prev, *next; /* of its pool's list */
};

/* Its slot on the board, and what that says: a hint, for a crashed worker may have left anything there. */
struct board_slot *proc_slot(const struct proc *proc);
enum slot_state proc_state(const struct proc *proc);

/* SIGKILL; to a program with all that is in its process group. */
void proc_kill(const struct proc *proc);

#endif
