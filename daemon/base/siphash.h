/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 (Aumasson, Bernstein): a keyed hash of short data. Who does not know the key cannot choose data that
 * collide, so a table that is indexed by it does not degenerate. */
#ifndef PREFORKD_BASE_SIPHASH_H
#define PREFORKD_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* KEY: as two little-endian words. */
uint64_t siphash(const uint64_t key[2], const void *data, size_t len);

#endif
