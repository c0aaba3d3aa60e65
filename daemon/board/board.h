/* SPDX-License-Identifier: MIT */
/*
 * The board: where a service's master and workers meet. A sealed memfd, one per service and
 * generation: a header, a lane for each listener, a slot for each worker. Fixed-size data, no
 * pointers, C11 atomics. A slot has one writer, its worker; the master lays it before the fork and
 * reads it as a hint, for a worker that crashed may have written anything.
 */
#ifndef PREFORKD_BOARD_BOARD_H
#define PREFORKD_BOARD_BOARD_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/packed_address.h"
#include "board/refusal.h"

struct err;
struct sockaddr_any;

#define BOARD_COUNTERS 8  /* that a module may have of its own */
#define BOARD_ALIGN    64 /* a cache line: neighbours do not slow each other down */

enum slot_state {
	SLOT_FREE,     /* nobody's */
	SLOT_STARTING, /* forked, not yet in accept */
	SLOT_IDLE,     /* waits in accept */
	SLOT_BUSY,     /* serves a client */
	SLOT_LEAVING,  /* takes no more clients */
};

struct board_slot {
	alignas(BOARD_ALIGN) _Atomic uint32_t state;
	_Atomic uint32_t spent;			     /* has served max_requests: wants to be replaced */
	_Atomic uint32_t has_heard;		     /* has heard that it is to leave: takes no further client */
	_Atomic int64_t since_ms;		     /* when the state began (base/clock.h) */
	_Atomic uint64_t accepted;		     /* connections taken */
	_Atomic uint64_t failed;		     /* of them, ended badly */
	_Atomic uint64_t bytes_in;		     /* from clients */
	_Atomic uint64_t bytes_out;		     /* to clients */
	_Atomic uint64_t peer[PACKED_ADDRESS_WORDS]; /* of the current client, packed; stays when the worker dies */
	/* whose fault a crash is: the key (sources.h) of that client's source; 0: nobody's, or it is not counted */
	_Atomic uint64_t source;
	_Atomic int64_t silent_since_ms;      /* since when that client is connected, its time in the queue included */
	_Atomic uint32_t greeted;	      /* it has sent something: it is not evicted */
	_Atomic uint32_t target;	      /* where the connection goes on to, from 1 (targets.h); 0: nowhere */
	_Atomic uint32_t turn;		      /* counts clients, the refused ones included: tells one from the next */
	_Atomic uint64_t probes;	      /* of the connections taken, those that asked nothing */
	_Atomic uint64_t refused[REFUSALS];   /* turned away; not among the connections taken */
	_Atomic uint64_t own[BOARD_COUNTERS]; /* the module's counters, in the order of its table */
};

struct board_lane {
	alignas(BOARD_ALIGN) _Atomic int32_t idle; /* may drift when a worker is killed: a hint */
	_Atomic int32_t lowest;			   /* lowest idle since the master last looked */
	_Atomic uint32_t may_grow;		   /* ring when the last idle worker is taken */
};

struct board_head {
	uint32_t version, n_lanes, n_slots;
	_Atomic uint32_t rung;			    /* somebody rang, the master has not answered yet */
	_Atomic uint32_t draining;		    /* a stop: serve what is queued, then leave */
	_Atomic uint32_t workers_max;		    /* as it is now: it can be resized */
	_Atomic int64_t turned_away_ms;		    /* when somebody was last, because there was no worker for it */
	_Atomic int64_t next_accept_error_ms;	    /* all workers together: one line in ten seconds */
	_Atomic int64_t next_refusal_ms[REFUSALS];  /* and for each reason; REFUSED_NOT: of a penalty's begin */
	_Atomic uint32_t refusals_untold[REFUSALS]; /* that had no line since the last one */
};

/* One process's view of a board. The memory is mapped; the descriptor is kept for the next worker. */
struct board {
	int fd;
	struct board_head *head;
	struct board_lane *lanes;
	struct board_slot *slots;
	size_t size;
	size_t n_lanes, n_slots;
	/* The master's own, for what is shared may be overwritten by a worker that goes mad: */
	bool *used;  /* which slots are taken */
	size_t next; /* where the search for a free one goes on */
};

/* A new board, all slots free; -1 and *err if there is no memory. It is not inherited through
 * fork(): a worker maps its own service's board, by descriptor, and no other. */
int board_create(struct board *board, size_t n_lanes, size_t n_slots, struct err *err);

/* A worker's view of the board behind FD; it takes and frees no slots. */
int board_map(struct board *board, int fd, struct err *err);

/*
 * The master's view of a board that another image of this program made, and whose workers live on. -1: it is
 * laid out in another way, or damaged, and must not be read; FD stays the caller's then. The caller says with
 * board_slot_keep() which slots are taken.
 */
int board_adopt(struct board *board, int fd, size_t n_lanes, size_t n_slots, struct err *err);
int board_slot_keep(struct board *board, size_t slot);

/* Of the layout: changes with every change of the structs above. */
uint32_t board_version(void);
void board_close(struct board *board);

/* Takes a free slot for a new worker (master). -1: none is free. */
int board_slot_take(struct board *board, int64_t now_ms);
void board_slot_free(struct board *board, size_t slot);

/* One of a slot's counters, which have one writer, its worker: no need for a locked instruction. */
static inline void board_count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by, memory_order_relaxed);
}

/* Who the client is, for status and for the log of a crash. */
void board_peer_set(struct board_slot *slot, const struct sockaddr_any *peer);
void board_peer_get(const struct board_slot *slot, struct sockaddr_any *peer_out);

/* Wakes the master through RING_FD (an eventfd), once until it has answered. */
void board_ring(struct board *board, int ring_fd);

/* The master answers: from here on rings come again. Look at the slots after this, not before. */
void board_answer(struct board *board, int ring_fd);

#endif
