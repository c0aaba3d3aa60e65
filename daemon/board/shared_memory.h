/* SPDX-License-Identifier: MIT */
/* Memory for processes to share, by descriptor: what all that meet in this room is made of. */
#ifndef PREFORKD_BOARD_SHARED_MEMORY_H
#define PREFORKD_BOARD_SHARED_MEMORY_H

#include <stddef.h>

struct err;

/* A memfd of SIZE zero bytes that can neither shrink nor grow any more: a file that is shorter than its map would be
 * the end of who reads it. Close-on-exec, above 2. NAME is for /proc, WHAT for messages: "cannot create a board". */
int shared_memory_create(const char *name, const char *what, size_t size, struct err *err);

#endif
