/* SPDX-License-Identifier: MIT */
/* Any process. A whole regular file in memory. */
#ifndef PREFORKD_SYNTAX_SLURP_H
#define PREFORKD_SYNTAX_SLURP_H

#include <stddef.h>
#include <sys/types.h>

struct err;

struct slurp {
	char *text; /* terminated; the caller frees it */
	size_t len;
	dev_t dev; /* with ino: identifies the file, whatever its name */
	ino_t ino;
};

#define SLURP_MEBIBYTE ((size_t)1024 * 1024)

/* -1 and *err: FILE is not a regular, readable file of at most MOST bytes. Does not wait for a named pipe. */
int slurp(const char *file, size_t most, struct slurp *out, struct err *err);

#endif
