/* SPDX-License-Identifier: MIT */
/*
 * Takes a TCP listener out of the kernel's search, and nothing else: it goes on listening, with its
 * address, its queue and the handshakes that are under way. It is bound to an interface that does
 * not exist, so that no new packet is for it. A new client meets another listener at that address,
 * or is refused.
 */
#ifndef PREFORKD_NET_LISTEN_HIDE_H
#define PREFORKD_NET_LISTEN_HIDE_H

#include <stdbool.h>

/* Not for a listener with socket.device, which would not find its way back (EBUSY). Needs no
 * capability from Linux 5.7 on. */
int listen_hide(int fd);

/* The way back needs CAP_NET_RAW. */
bool listen_hide_can_undo(void);

/* Nothing to do for a listener that is not nowhere. */
int listen_hide_undo(int fd);

#endif
