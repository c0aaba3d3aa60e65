/* SPDX-License-Identifier: MIT */
/*
 * Worker and master. The last death of a program that a worker has seen, in the worker's slot of the board. The worker
 * is the only writer; a number that is odd while it writes tells the master that what it reads may be torn. For the
 * master the record is a hint: it looks at each value before it believes it.
 */
#ifndef PREFORKD_BOARD_DEATH_RECORD_H
#define PREFORKD_BOARD_DEATH_RECORD_H

#include <stdatomic.h>
#include <stdint.h>

#include "board/packed_address.h"

struct death;

#define DEATH_RECORD_WORDS (8 + 2 * PACKED_ADDRESS_WORDS)

struct death_record {
	_Atomic uint32_t turn; /* twice the number of deaths so far; odd while the record is written */
	_Atomic uint64_t words[DEATH_RECORD_WORDS];
};

/* Worker: DEATH, of a program, takes the place of the record's last one. Its reason is not kept. */
void death_record_write(struct death_record *record, const struct death *death);

/*
 * Master: reads the death that was written since *SEEN, which is 0 at first; the time is NOW_MS. 1: it is in *OUT, and
 * *SEEN has moved on; *LOST_OUT is the number of deaths between, which were overwritten. 0: there is none. -1: the
 * worker is writing it, or has died at that; *SEEN stays. A death that makes no sense counts as lost.
 */
int death_record_read(const struct death_record *record, int64_t now_ms, uint32_t *seen, struct death *out,
		      uint32_t *lost_out);

#endif
