/* SPDX-License-Identifier: MIT */
/*
 * Master. Hides a TCP listener from new clients by binding it to an interface that does not exist. It goes on
 * listening, with its address, its queue and the handshakes that are under way. A new client gets to another listener
 * at that address, or is refused.
 */
#ifndef PREFORKD_NET_LISTEN_HIDE_H
#define PREFORKD_NET_LISTEN_HIDE_H

#include <stdbool.h>

/* 0, or -1 with errno. EBUSY: the listener has socket.device, which could not be restored. Needs no capability from
 * Linux 5.7 on. Calling it twice is no error. */
int listen_hide(int fd);

/* True if listen_hide_undo() would work: it needs CAP_NET_RAW. */
bool listen_hide_can_undo(void);

/* 0, or -1 with errno. Does nothing for a listener that is not hidden. */
int listen_hide_undo(int fd);

#endif
