/* SPDX-License-Identifier: MIT */
/*
 * Any process. A TCP socket that was shut down while it did not listen, and that listens again: each connection that it
 * accepts is shut down from its beginning, so that its client is reset. The socket itself shows nothing of that:
 * poll(2) and getsockopt(2) find a listener that is well.
 */
#ifndef PREFORKD_NET_LISTEN_TAINTED_H
#define PREFORKD_NET_LISTEN_TAINTED_H

#include <stdbool.h>

/* Is the TCP listener FD such a socket? Asks through netlink (net/diag.h), and never blocks. False if the kernel does
 * not answer. */
bool listen_is_tainted(int fd);

#endif
