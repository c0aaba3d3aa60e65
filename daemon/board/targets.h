/* SPDX-License-Identifier: MIT */
/*
 * Master and worker. The workers of a service with upstreams tell each other here about the targets of their
 * connections: which has failed and rests, the addresses of its name, whose turn it is. A sealed memfd, one for each
 * service and generation; a new generation begins with what the former one knew. Fixed-size data, no pointers, C11
 * atomics. Each word is a hint: a worker that ran wild may have written anything, so nothing here bounds a loop or
 * indexes an array unchecked.
 *
 * The number of connections of a target is not in here. Each worker writes the target of its connection into its slot
 * of the board (`target`), and the master clears the slot of a worker that died, so no count can be lost.
 */
#ifndef PREFORKD_BOARD_TARGETS_H
#define PREFORKD_BOARD_TARGETS_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/board.h"
#include "net/addr.h"

struct err;

#define TARGET_ADDRESSES 8 /* most addresses of one name */

/* Times are those of base/clock.h. */
struct target {
	alignas(BOARD_ALIGN) _Atomic int64_t
		until_ms;		/* it failed, and rests until then; 0: it works, as far as known */
	_Atomic int64_t fresh_until_ms; /* after this time one worker moves it on and looks the name up */
	_Atomic uint32_t kept;		/* the last look-up failed, and the former addresses are kept */
	/* The addresses. There is one writer at a time, until writing_ms; version is odd while it writes. */
	_Atomic int64_t writing_ms;
	_Atomic uint32_t version;
	_Atomic uint32_t n;
	_Atomic uint64_t address[TARGET_ADDRESSES][PACKED_ADDRESS_WORDS];
	_Atomic int64_t address_until_ms[TARGET_ADDRESSES]; /* of each address, as until_ms of the target */
};

struct targets_head {
	_Atomic uint32_t turn; /* grows by 1 with each connection */
};

struct targets {
	struct targets_head *head; /* NULL: not mapped */
	struct target *target;
	size_t n, size;
};

/* Master: makes memory for N targets of which nothing is known. Returns a descriptor, which the caller closes, or -1
 * and *err. */
int targets_create(size_t n, struct err *err);

/* The layout of this memory; another image of this program may have another one. */
unsigned targets_version(void);

/* Maps the memory behind FD, which stays the caller's. Only the size of the memory is looked at, because a worker that
 * ran wild can have written anything into it. -1 and *err: it is not one for N targets. */
int targets_map(struct targets *targets, int fd, size_t n, struct err *err);
void targets_unmap(struct targets *targets);

/* Copies the known addresses of a target into OUT, and the ends of their rests into UNTIL_OUT (NULL: nowhere), at most
 * MAX. Returns how many; 0 also while another process keeps writing them. */
size_t target_addresses(const struct target *target, struct sockaddr_any *out, int64_t *until_out, size_t max);

/* Makes the N addresses of LIST known; only internet addresses. An address that was known before goes on with its rest.
 * Does nothing while another process does so. */
void target_set_addresses(struct target *target, const struct sockaddr_any *list, size_t n);

/* Sets the end of the rest of the address ADDR to UNTIL_MS, if it still is WAS. False: another process was quicker, or
 * ADDR is no address of the target any more. */
bool target_rest_address(struct target *target, const struct sockaddr_any *addr, int64_t was, int64_t until_ms);

/*
 * The time that is left at NOW of a rest that ends at UNTIL_MS; 0: nothing, so that one process claims the next try,
 * which takes at most connect_timeout and TARGET_LOOK_UP_MS. A rest that ends too late was written by a worker that ran
 * wild, or under another configuration: it does not count.
 */
#define TARGET_LOOK_UP_MS 2000
int64_t target_rest_left(int64_t until_ms, int64_t now, int64_t pause, int64_t connect_timeout);

/* Master: copies what is known about FROM to TO. */
void target_copy(struct target *to, const struct target *from);

#endif
