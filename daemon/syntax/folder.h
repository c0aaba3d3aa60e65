/* SPDX-License-Identifier: MIT */
/* Any process. The files that make up the configuration, and their order. */
#ifndef PREFORKD_SYNTAX_FOLDER_H
#define PREFORKD_SYNTAX_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct problems;
struct raws;

/* The folder of further files, beside MAIN_FILE: conf.d for preforkd.conf, NAME.d for NAME.conf. A daemon with a file
 * of its own thus has services of its own. */
void folder_beside(const char *main_file, char *out, size_t size);

/* Reads MAIN_FILE, then the files *.conf in folder_beside(), in the byte order of the names. Names that begin with a
 * dot are left out, and others are reported. If WARY, files and a folder that others than root could change are
 * mistakes. -1: one of the files could not be read as a whole, which is reported; the others were read. */
int folder_read(const char *main_file, bool wary, struct arena *arena, struct problems *problems, struct raws *raws);

#endif
