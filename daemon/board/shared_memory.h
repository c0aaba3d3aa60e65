/* SPDX-License-Identifier: MIT */
/* Master. Memory that processes share by descriptor: the base of all tables in this folder. */
#ifndef PREFORKD_BOARD_SHARED_MEMORY_H
#define PREFORKD_BOARD_SHARED_MEMORY_H

#include <stddef.h>

struct err;

/* Returns a memfd of SIZE zero bytes, close-on-exec and above 2, which the caller closes; or -1 and *err. It is sealed
 * against shrinking and growing: reading a mapping beyond the end of its file would kill the reader. NAME is shown in
 * /proc, WHAT in messages: "cannot create a board". */
int shared_memory_create(const char *name, const char *what, size_t size, struct err *err);

#endif
