/* SPDX-License-Identifier: MIT */
/* --check=host. Whether this host has an address, asked without binding anything. */
#ifndef PREFORKD_NET_LOCAL_ADDRESS_H
#define PREFORKD_NET_LOCAL_ADDRESS_H

#include <stdbool.h>

struct sockaddr_any;

/* False: bind(2) to ADDR (IP) would fail with EADDRNOTAVAIL, unless the socket has IP_FREEBIND. True also if the kernel
 * does not tell. */
bool local_address_exists(const struct sockaddr_any *addr);

#endif
