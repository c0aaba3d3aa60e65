/* SPDX-License-Identifier: MIT */
/*
 * Messages to the service manager (sd_notify(3)'s protocol). Unlike sd_notify() this never blocks for
 * long: a manager that does not read must not stop the daemon.
 */
#ifndef PREFORKD_BASE_NOTIFY_H
#define PREFORKD_BASE_NOTIFY_H

#include <stdbool.h>

#define NOTIFY_PATIENCE_MS 100

/* Sends one datagram of NAME=VALUE lines to NOTIFY_SOCKET, if there is one. What is not taken within
 * NOTIFY_PATIENCE_MS is dropped, and from then on nothing is waited for until something is taken. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, with a descriptor that goes along (FDSTORE=1). FD stays the caller's. */
void notify_send_fd(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Is there anybody to send to? */
bool notify_is_heard(void);

#endif
