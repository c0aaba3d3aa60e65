/* SPDX-License-Identifier: MIT */
/*
 * Master. Its own record of one worker. The master decides by these records; what a worker has written on the board is
 * only a hint.
 */
#ifndef PREFORKD_POOL_PROC_H
#define PREFORKD_POOL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/hash.h"
#include "board/board.h"
#include "pool/totals.h"

struct pool;
struct program;

struct proc { /* times are ms of the clock */
	pid_t pid;
	struct pool *pool;
	const struct board *board; /* the pool's */
	size_t lane, slot;	   /* its indices on the board */
	int seat; /* its index in the pool's table of sources; -1: it sits in a table that is not read */
	int64_t started_ms;
	bool ready;	     /* has been seen idle or busy */
	int64_t ready_ms;    /* since when */
	bool outlived;	     /* a program: it has outlived its watch, or replaces one that had (rolling.h) */
	bool believed;	     /* has ended the pauses between failed starts of its pool */
	bool leaving;	     /* was retired: ordered to finish its client and leave */
	int64_t retire_ms;   /* when that was */
	bool heard;	     /* it has received that order: once seen, it counts, whatever the board says later */
	bool succeeded;	     /* is spent, and its successor has been started */
	pid_t predecessor;   /* the worker to retire when this one is ready; 0: none */
	int64_t kill_ms;     /* it was cut, and is killed then; 0: it was not cut */
	int64_t evict_ms;    /* when it was last asked to let its client go; 0: never */
	uint32_t evict_turn; /* the turn of that client (board.h) */
	int64_t sampled_ms;  /* when its memory was last measured; 0: never */
	struct counts seen;  /* what it has counted, as far as that is believed (pool_count.h) */
	uint64_t seen_own[BOARD_COUNTERS];
	int64_t seen_ms;	 /* when that was; 0: it has not been looked at */
	uint32_t deaths_seen;	 /* of the programs that it has run (board/death_record.h) */
	int lingers;		 /* ticks in a row at which it said that it leaves by itself */
	struct program *program; /* owned; NULL: it is a worker, no program that accepts by itself */
	UT_hash_handle by_pid;
	struct proc *prev, *next; /* of its pool's list */
};

/* Its slot on the board, and the state written there: only a hint, because a crashed worker may have left any value. */
struct board_slot *proc_slot(const struct proc *proc);
enum slot_state proc_state(const struct proc *proc);

/* SIGKILL, also to the process group. */
void proc_kill(const struct proc *proc);

#endif
