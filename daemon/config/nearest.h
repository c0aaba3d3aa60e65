/* SPDX-License-Identifier: MIT */
/* Any process. Suggestions for unknown words. */
#ifndef PREFORKD_CONFIG_NEAREST_H
#define PREFORKD_CONFIG_NEAREST_H

#include <stddef.h>

struct row;

/* The number of letters to add, remove, change or swap (with the next one) to get from A to B. Capitals make no
 * difference. */
unsigned nearest_distance(const char *a, const char *b);

/*
 * Finds the key among N rows, or the group of a key ("workers"), that is nearest to PATH, and writes it to OUT. A key
 * in the wrong group counts as near. Returns OUT; NULL: nothing is near.
 */
const char *nearest_key(const struct row *rows, size_t n, const char *path, char *out, size_t size);

/* The nearest of N words; NULL: none is near. */
const char *nearest_word(const char *const *words, size_t n, const char *word);

#endif
