/* SPDX-License-Identifier: MIT */
/* Any process. SipHash-2-4 (Aumasson, Bernstein): a keyed hash of short data. Without the key a client cannot choose
 * data that collide, so a hash table cannot be degraded on purpose. */
#ifndef PREFORKD_BASE_SIPHASH_H
#define PREFORKD_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* KEY: 16 bytes as two little-endian words. */
uint64_t siphash(const uint64_t key[2], const void *data, size_t len);

#endif
