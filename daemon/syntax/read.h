/* SPDX-License-Identifier: MIT */
/* Files and command line texts into raw values. The only user of libconfig. */
#ifndef PREFORKD_SYNTAX_READ_H
#define PREFORKD_SYNTAX_READ_H

#include "syntax/raw.h"

struct arena;
struct problems;

/* Adds what FILE says to *raws. -1: it could not be read as a whole, and nothing was added. */
int read_file(const char *file, struct arena *arena, struct problems *problems, struct raws *raws);

/* One "PATH=VALUE" of the command line. */
int read_override(const char *text, struct arena *arena, struct problems *problems, struct raws *raws);

#endif
