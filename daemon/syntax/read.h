/* SPDX-License-Identifier: MIT */
/* Any process. Files and -o into raw values. The only user of libconfig. */
#ifndef PREFORKD_SYNTAX_READ_H
#define PREFORKD_SYNTAX_READ_H

#include <stdbool.h>

#include "syntax/raw.h"

struct arena;
struct problems;

/* Adds the values of FILE, and of the files that it includes, to *raws; if WARY, only of files that nobody but root can
 * change (base/path_trust.h). -1: FILE could not be read as a whole, which is reported, and nothing was added. */
int read_file(const char *file, bool wary, struct arena *arena, struct problems *problems, struct raws *raws);

/* Adds the value of "PATH=VALUE", the argument of -o. -1: TEXT is wrong, which is reported. */
int read_override(const char *text, struct arena *arena, struct problems *problems, struct raws *raws);

#endif
