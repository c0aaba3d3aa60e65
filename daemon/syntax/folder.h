/* SPDX-License-Identifier: MIT */
/* Any process. The files that make up the configuration, and their order. */
#ifndef PREFORKD_SYNTAX_FOLDER_H
#define PREFORKD_SYNTAX_FOLDER_H

struct arena;
struct problems;
struct raws;

/* Reads MAIN_FILE, then conf.d/NAME.conf in its folder, in the byte order of the names. Names that begin with a dot are
 * left out. -1: one of the files could not be read as a whole, which is reported; the others were read. */
int folder_read(const char *main_file, struct arena *arena, struct problems *problems, struct raws *raws);

#endif
