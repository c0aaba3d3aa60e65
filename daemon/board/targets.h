/* SPDX-License-Identifier: MIT */
/*
 * What the workers of a service that passes connections on tell each other of where they go: which target has failed
 * and is left alone, what its name stands for, whose turn it is. A sealed memfd, one per service and generation; a new
 * generation begins with what the former one knew. Fixed-size data, no pointers, C11 atomics; every word is
 * a hint, for a worker that went mad may have written it: nothing in here bounds a loop or indexes an array unchecked.
 *
 * How many connections a target has is not in here: each worker says in its slot of the board (`target`) where its
 * connection goes, and the master clears the slot of one that died, so that no count is ever lost.
 */
#ifndef PREFORKD_BOARD_TARGETS_H
#define PREFORKD_BOARD_TARGETS_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "board/board.h"
#include "net/addr.h"

struct err;

#define TARGET_ADDRESSES 8 /* of one name */

/* Times are of base/clock.h. */
struct target {
	alignas(BOARD_ALIGN) _Atomic int64_t until_ms; /* failed: left alone until then; 0: as far as known it works */
	_Atomic int64_t fresh_until_ms;		       /* who comes later moves this on and looks the name up again */
	_Atomic uint32_t kept;			       /* the last look-up failed: the addresses are those of before */
	/* The addresses. One writer, who holds the words until writing_ms; version is odd while it writes. */
	_Atomic int64_t writing_ms;
	_Atomic uint32_t version;
	_Atomic uint32_t n;
	_Atomic uint64_t address[TARGET_ADDRESSES][PACKED_ADDRESS_WORDS];
};

struct targets_head {
	uint32_t version, n;
	_Atomic uint32_t turn; /* counts connections */
};

struct targets {
	struct targets_head *head; /* NULL: not mapped */
	struct target *target;
	size_t n, size;
};

/* Memory for N targets, all unknown: a descriptor, or -1. */
int targets_create(size_t n, struct err *err);

/* Maps what is behind FD (which stays the caller's); -1 when it is not for N targets. */
int targets_map(struct targets *targets, int fd, size_t n, struct err *err);
void targets_unmap(struct targets *targets);

/* The known addresses of a target: how many, at most MAX; 0: none, or somebody writes them just now. */
size_t target_addresses(const struct target *target, struct sockaddr_any *out, size_t max);

/* Makes them known: internet addresses only. Does nothing while another one does. */
void target_set_addresses(struct target *target, const struct sockaddr_any *list, size_t n);

/* What FROM knows becomes known to TO as well. */
void target_copy(struct target *to, const struct target *from);

#endif
