/* SPDX-License-Identifier: MIT */
/*
 * Worker. Finds out whether processes that a program has started still have the client's socket, as /proc shows them.
 * The worker is the reaper of its descendants (descendants.h), so its own list of children leads to all of them.
 */
#ifndef PREFORKD_SERVICES_HOLDERS_H
#define PREFORKD_SERVICES_HOLDERS_H

#include <stdbool.h>

#define HOLDERS_MOST 256 /* processes that are looked at */

/*
 * Does a descendant of this process have the socket FD open? Whatever cannot be told counts as yes: a process whose
 * descriptors this user may not see, more than HOLDERS_MOST processes, and descendants that change meanwhile.
 */
bool holders_are_left(int fd);

#endif
