/* SPDX-License-Identifier: MIT */
/* Master and worker. An address packed into words, each of which can be stored and read atomically: the address in the
 * first two; family, port and scope in the last. Of a unix address only the family is kept. */
#ifndef PREFORKD_BOARD_PACKED_ADDRESS_H
#define PREFORKD_BOARD_PACKED_ADDRESS_H

#include <stdint.h>

struct sockaddr_any;

#define PACKED_ADDRESS_WORDS 3

void packed_address_set(uint64_t words[PACKED_ADDRESS_WORDS], const struct sockaddr_any *addr);

/* Gives AF_UNSPEC with len 0 for words that packed_address_set() cannot have written: another process may have damaged
 * them. */
void packed_address_get(const uint64_t words[PACKED_ADDRESS_WORDS], struct sockaddr_any *out);

#endif
