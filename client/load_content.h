/* SPDX-License-Identifier: MIT */
/* Client. The bytes that a load run sends. Every request is a piece of one buffer. */
#ifndef PREFORKD_CLIENT_LOAD_CONTENT_H
#define PREFORKD_CLIENT_LOAD_CONTENT_H

#include <stddef.h>

struct err;

/* Requests begin at so many different places of one buffer, so that swapped replies are noticed. */
#define LOAD_SHIFTS 4093U

/* SIZE + LOAD_SHIFTS pseudo-random bytes, the same in every run. The caller frees the result of this and the following
 * functions. NULL and *err on failure. */
unsigned char *load_content_make(size_t size, struct err *err);

/* TEXT with the escapes \n \r \t \\ \0 and \xNN replaced by their bytes. */
unsigned char *load_content_unescape(const char *text, size_t *size_out, struct err *err);

/* All of a file, MAX bytes at most. "-" is standard input. */
unsigned char *load_content_read(const char *path, size_t max, size_t *size_out, struct err *err);

#endif
