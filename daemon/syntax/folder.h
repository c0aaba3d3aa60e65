/* SPDX-License-Identifier: MIT */
/* Which files make up the configuration, and in what order. */
#ifndef PREFORKD_SYNTAX_FOLDER_H
#define PREFORKD_SYNTAX_FOLDER_H

struct arena;
struct problems;
struct raws;

/* Reads the main file, then conf.d/NAME.conf beside it in the byte order of their names; names
 * that begin with a dot are left out. -1 if any of them could not be read as a whole. */
int folder_read(const char *main_file, struct arena *arena, struct problems *problems, struct raws *raws);

#endif
