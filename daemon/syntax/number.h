/* SPDX-License-Identifier: MIT */
/* Any process. The numbers of a configuration file, in the way that libconfig needs them. */
#ifndef PREFORKD_SYNTAX_NUMBER_H
#define PREFORKD_SYNTAX_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

#define NUMBER_SIZE 32

/* True: a number begins at P. */
bool number_begins(const char *p);

/*
 * Returns the end of the number that begins at P. OUT (NUMBER_SIZE bytes) receives the text that libconfig reads in its
 * place; "": the number itself. libconfig cuts an integer without an L to 32 bits, so integers that do not fit get an
 * L; one that does not fit into 64 bits becomes the nearest that does, which is outside the range of every key.
 */
const char *number_read(const char *p, char *out);

#endif
