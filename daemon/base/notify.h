/* SPDX-License-Identifier: MIT */
/*
 * Master. Messages to the service manager in the protocol of sd_notify(3). Unlike sd_notify() it never blocks for long:
 * a manager that does not read must not stop the daemon.
 */
#ifndef PREFORKD_BASE_NOTIFY_H
#define PREFORKD_BASE_NOTIFY_H

#include <stdbool.h>

#define NOTIFY_PATIENCE_MS 100

/* Sends one datagram of NAME=VALUE lines to NOTIFY_SOCKET, if it is set. A message that is not taken within
 * NOTIFY_PATIENCE_MS is dropped; later ones do not wait until a message is taken again. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, and passes a descriptor along (FDSTORE=1). FD stays with the caller. */
void notify_send_fd(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* True if NOTIFY_SOCKET is set and usable. */
bool notify_is_heard(void);

#endif
