/* SPDX-License-Identifier: MIT */
/* An address in words that can be stored and read atomically, each for itself: the address, and family, port and scope
 * in the last. Of a unix socket the family alone. */
#ifndef PREFORKD_BOARD_PACKED_ADDRESS_H
#define PREFORKD_BOARD_PACKED_ADDRESS_H

#include <stdint.h>

struct sockaddr_any;

#define PACKED_ADDRESS_WORDS 3

void packed_address_set(uint64_t words[PACKED_ADDRESS_WORDS], const struct sockaddr_any *addr);

/* AF_UNSPEC, with len 0, for anything that was not set so: another process may have written it. */
void packed_address_get(const uint64_t words[PACKED_ADDRESS_WORDS], struct sockaddr_any *out);

#endif
