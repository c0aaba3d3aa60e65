/* SPDX-License-Identifier: MIT */
/*
 * Master. The service manager's fd store (sd_pid_notify_with_fds(3)). The service manager keeps a copy of each listener
 * that the daemon has bound, so that clients wait in the queue while the daemon restarts, also after a crash or the
 * watchdog's kill. Without a service manager nothing here does anything.
 */
#ifndef PREFORKD_LISTENERS_FD_STORE_H
#define PREFORKD_LISTENERS_FD_STORE_H

#include <stdbool.h>
#include <stddef.h>

/* Stores a copy of FD. NAME_OUT gets the name: SERVICE with a number that no other name has. False: there is no store.
 */
bool fd_store_keep(int fd, const char *service, char *name_out, size_t size);

/* Removes what is stored as NAME. */
void fd_store_forget(const char *name);

/* NAME is from the store, or from another image of this program: no later name gets its number. */
void fd_store_seen(const char *name);

#endif
