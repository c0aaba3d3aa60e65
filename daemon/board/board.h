/* SPDX-License-Identifier: MIT */
/*
 * Master and worker. The board: memory that the master shares with the workers of one service. A sealed memfd, one for
 * each service and generation: a head, a lane for each listener, a slot for each worker. Fixed-size data, no pointers,
 * C11 atomics. A slot has one writer, its worker; the master clears it before the fork. For the master all of it is a
 * hint: a worker that ran wild may have written anything.
 */
#ifndef PREFORKD_BOARD_BOARD_H
#define PREFORKD_BOARD_BOARD_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/death_record.h"
#include "board/packed_address.h"
#include "board/refusal.h"

struct err;
struct sockaddr_any;

#define BOARD_COUNTERS 8  /* counters of a module */
#define BOARD_ALIGN    64 /* a cache line, so that the writers of two slots do not slow each other down */

enum slot_state {
	SLOT_FREE,     /* no worker has it */
	SLOT_STARTING, /* forked, not yet in accept */
	SLOT_IDLE,     /* waits in accept */
	SLOT_BUSY,     /* serves a client */
	SLOT_LEAVING,  /* accepts no more clients */
};

struct board_slot {
	alignas(BOARD_ALIGN) _Atomic uint32_t state;
	_Atomic uint32_t spent;	    /* the worker asks to be replaced: it has served max_requests */
	_Atomic uint32_t has_heard; /* the worker has received the order to leave: it accepts no further client */
	_Atomic int64_t since_ms;   /* since when it is in this state (base/clock.h) */
	_Atomic uint64_t accepted;  /* connections accepted and not refused */
	_Atomic uint64_t failed;    /* of these, ended badly */
	_Atomic uint64_t bytes_in;  /* payload from clients */
	_Atomic uint64_t bytes_out; /* payload to clients */
	_Atomic uint64_t
		peer[PACKED_ADDRESS_WORDS]; /* the current client (packed_address.h); stays when the worker dies */
	/* the key (sources.h) of the current client's source, which gets a fault if the worker crashes; 0: no source
	 * does */
	_Atomic uint64_t source;
	_Atomic int64_t silent_since_ms; /* when the current client connected: its time in the queue is included */
	_Atomic uint32_t greeted;	 /* the current client has sent something, so it is not evicted */
	_Atomic uint32_t target;	 /* 1 + the index of the target of its connection (targets.h); 0: none */
	_Atomic uint32_t turn; /* grows by 1 with each client, refused ones included: tells one client from the next */
	_Atomic uint32_t finishing; /* the service has finished with the current client, which is given the rest */
	_Atomic uint64_t probes;    /* of the accepted connections, those without a byte in either direction */
	_Atomic uint64_t refused[REFUSALS]; /* clients refused, by reason; not among `accepted` */
	_Atomic uint64_t violations;	    /* system calls that sandbox.level has refused */
	_Atomic uint32_t last_call; /* 1 + the number of the system call that has ended the worker; 0: none has */
	_Atomic int64_t memory;	    /* bytes that the worker uses, as it last measured; 0: it has not yet */
	_Atomic uint64_t own[BOARD_COUNTERS];		    /* the module's counters, in the order of its table */
	_Atomic uint64_t via[PACKED_ADDRESS_WORDS];	    /* the proxy of the current client, as with `peer` */
	_Atomic uint64_t bytes_in_before, bytes_out_before; /* bytes_in and bytes_out when its connection began */
	struct death_record death;			    /* the last program of the worker that died */
};

struct board_lane {
	alignas(BOARD_ALIGN) _Atomic int32_t idle; /* idle workers; drifts when one is killed, so a hint */
	_Atomic int32_t lowest;			   /* the lowest value of idle since the master last looked */
	_Atomic uint32_t may_grow;		   /* the worker that was the last idle one rings */
};

/* The master writes the first five anew at each look, because a worker that ran wild may have overwritten them. The
 * others are what workers tell each other. */
struct board_head {
	_Atomic uint32_t rung;			    /* a worker has rung, and the master has not answered yet */
	_Atomic uint32_t draining;		    /* workers serve the clients in the queue, then leave */
	_Atomic uint32_t workers_max;		    /* the current maximum: a resize changes it */
	_Atomic int64_t max_memory;		    /* workers.max_memory, which a reload changes; 0: no limit */
	_Atomic int64_t hours;			    /* access.times, if there are any (board_hours_open()) */
	_Atomic int64_t turned_away_ms;		    /* when a client was last refused for lack of a worker; 0: never */
	_Atomic int64_t next_accept_error_ms;	    /* when any worker may log the next failure of accept(2) */
	_Atomic int64_t next_refusal_ms[REFUSALS];  /* the same for each reason of a refusal; REFUSED_NOT: for the begin
						       of a penalty */
	_Atomic uint32_t refusals_untold[REFUSALS]; /* refusals that were not logged since the last line */
};

/* One process's view of a board. The master keeps the descriptor for the next worker. */
struct board {
	int fd;
	struct board_head *head;
	struct board_lane *lanes;
	struct board_slot *slots;
	size_t size;
	size_t n_lanes, n_slots; /* not on the board itself, where a worker could damage them */
	/* Only in the master's memory, where no worker can damage it: */
	bool *used;  /* which slots are taken */
	size_t next; /* where the search for a free slot continues */
};

/* Master: makes a board with all slots free. -1 and *err if there is no memory. The mapping is not inherited through
 * fork(): a worker maps the board of its own service, by its descriptor, and no other. */
int board_create(struct board *board, size_t n_lanes, size_t n_slots, struct err *err);

/* Worker: maps the board behind FD, which board->fd is from now on. Only the size of the memory is looked at, because a
 * worker that ran wild can have written anything into it. -1 and *err: it is no board of these dimensions. */
int board_map(struct board *board, int fd, size_t n_lanes, size_t n_slots, struct err *err);

/*
 * Master: maps a board that another image of this program made, and whose workers live on. The caller then calls
 * board_slot_keep() for each slot that is taken (-1: it is taken already, or does not exist). The caller has compared
 * board_version(). -1 and *err: it is no board of these dimensions; then FD stays the caller's.
 */
int board_adopt(struct board *board, int fd, size_t n_lanes, size_t n_slots, struct err *err);
int board_slot_keep(struct board *board, size_t slot);

/* The version of the layout: raise it with every change of the structs above. */
uint32_t board_version(void);

/* Unmaps the board and closes its descriptor. */
void board_close(struct board *board);

/* Master: takes a free slot for a new worker, and clears it. Returns its index; -1: none is free. */
int board_slot_take(struct board *board, int64_t now_ms);
void board_slot_free(struct board *board, size_t slot);

/* Worker: adds BY to a counter of its slot. A counter has one writer, so no locked instruction is needed. */
static inline void board_count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by, memory_order_relaxed);
}

/* A value for `hours`: OPEN (or not) until the second UNTIL since 1970, and the opposite from then on. */
int64_t board_hours(bool open, int64_t until);

/* HOURS at the second NOW. The master writes the value anew before it changes a second time. */
bool board_hours_open(int64_t hours, int64_t now);

/* The address of the current client, for status and for the log of a crash. */
void board_peer_set(struct board_slot *slot, const struct sockaddr_any *peer);
void board_peer_get(const struct board_slot *slot, struct sockaddr_any *peer_out);

/* The address of the proxy that the current client came through. */
void board_via_set(struct board_slot *slot, const struct sockaddr_any *via);

/* Worker: a client begins; nothing is known of it yet. */
void board_client_begin(struct board_slot *slot);

/* Worker: wakes the master through RING_FD (an eventfd); further calls do nothing until the master has answered. */
void board_ring(struct board *board, int ring_fd);

/* Master: from now on workers ring again. To be called before the slots are read: what changes later rings again. Never
 * blocks, whatever workers did to the ring. */
void board_answer(struct board *board, int ring_fd);

#endif
