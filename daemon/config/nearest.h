/* SPDX-License-Identifier: MIT */
/* What somebody may have meant by a word that nobody knows. */
#ifndef PREFORKD_CONFIG_NEAREST_H
#define PREFORKD_CONFIG_NEAREST_H

#include <stddef.h>

struct row;

/* How many letters must be added, taken away, changed or swapped to make B out of A. */
unsigned nearest_distance(const char *a, const char *b);

/*
 * The path among the N rows, or the group of one ("workers"), that is nearest to PATH, written to
 * OUT. A key that stands in the wrong group counts as near. Returns OUT, or NULL: nothing is near.
 */
const char *nearest_key(const struct row *rows, size_t n, const char *path, char *out, size_t size);

/* The same among N words. */
const char *nearest_word(const char *const *words, size_t n, const char *word);

#endif
