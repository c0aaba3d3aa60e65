/* SPDX-License-Identifier: MIT */
/* The bytes that a load run sends. Every request is a piece of one buffer. */
#ifndef PREFORKD_CLIENT_LOAD_CONTENT_H
#define PREFORKD_CLIENT_LOAD_CONTENT_H

#include <stddef.h>

struct err;

/* Requests are cut from one buffer at different places, so that mixed-up replies are noticed. */
#define LOAD_SHIFTS 4093U

/* SIZE + LOAD_SHIFTS bytes without a pattern that a shifted copy would repeat; the same in every
 * run. The caller frees them, as in all that follows. */
unsigned char *load_content_make(size_t size, struct err *err);

/* TEXT with \n \r \t \\ \0 and \xNN replaced by the bytes they stand for. */
unsigned char *load_content_unescape(const char *text, size_t *size_out, struct err *err);

/* All of a file, MAX bytes at most. "-" is standard input. */
unsigned char *load_content_read(const char *path, size_t max, size_t *size_out, struct err *err);

#endif
