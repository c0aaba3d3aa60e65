/* SPDX-License-Identifier: MIT */
/* Any process. A mark of the files that a program consists of, to notice at a reload that they have been replaced. */
#ifndef PREFORKD_CONFIG_PROGRAM_MARK_H
#define PREFORKD_CONFIG_PROGRAM_MARK_H

#include <stddef.h>
#include <stdint.h>

struct identity;

/*
 * The mark of the file that the command's first word names, with all links followed, and of further words that are full
 * paths of regular files which IDENTITY does not own: scripts and configurations, but not the program's own data. It
 * changes when one of the files is replaced or written to.
 */
uint64_t program_mark(char *const *command, size_t n, const struct identity *identity);

#endif
