/* SPDX-License-Identifier: MIT */
#include "config/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "config/row.h"

#define WORD_MOST 40 /* longer words are not compared: no key is longer */
#define FAR	  1000U

static unsigned find_least(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

unsigned nearest_distance(const char *a, const char *b)
{
	unsigned cost[WORD_MOST + 1][WORD_MOST + 1];
	size_t len_a = strlen(a), len_b = strlen(b);
	size_t i, j;
	bool same;

	if (len_a > WORD_MOST || len_b > WORD_MOST)
		return FAR;
	for (i = 0; i <= len_a; i++)
		cost[i][0] = (unsigned)i;
	for (j = 0; j <= len_b; j++)
		cost[0][j] = (unsigned)j;
	for (i = 1; i <= len_a; i++) {
		for (j = 1; j <= len_b; j++) {
			same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
			cost[i][j] =
				find_least(cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same ? 0 : 1));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cost[i][j] = find_least(cost[i][j], cost[i - 2][j - 2] + 1, FAR);
		}
	}
	return cost[len_a][len_b];
}

/* The most letters by which a word may differ to count as near. */
static unsigned limit_of(const char *word)
{
	return 1 + (unsigned)(strlen(word) / 3);
}

/* The offset of the last part of a path. */
static size_t find_last_part(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot != NULL ? (size_t)(dot + 1 - path) : 0;
}

/* The distance from PATH to CANDIDATE, two for each letter; a different group counts as one and a half letters. */
static unsigned measure_path(const char *path, const char *candidate)
{
	size_t at = find_last_part(path), at_candidate = find_last_part(candidate);
	unsigned letters = nearest_distance(path + at, candidate + at_candidate);

	if (letters > limit_of(path + at))
		return FAR;
	letters *= 2;
	if (at != at_candidate || strncmp(path, candidate, at) != 0)
		letters += 3;
	return letters;
}

const char *nearest_key(const struct row *rows, size_t n, const char *path, char *out, size_t size)
{
	unsigned best = FAR;
	char group[64];
	unsigned far;
	size_t i;

	for (i = 0; i < n; i++) {
		far = measure_path(path, rows[i].path);
		if (far < best) {
			best = far;
			(void)snprintf(out, size, "%s", rows[i].path);
		}
		if (find_last_part(rows[i].path) == 0)
			continue;
		(void)snprintf(group, sizeof(group), "%.*s", (int)find_last_part(rows[i].path) - 1, rows[i].path);
		far = measure_path(path, group);
		if (far < best) {
			best = far;
			(void)snprintf(out, size, "%s", group);
		}
	}
	return best < FAR ? out : NULL;
}

const char *nearest_word(const char *const *words, size_t n, const char *word)
{
	unsigned best = limit_of(word) + 1;
	const char *found = NULL;
	unsigned far;
	size_t i;

	for (i = 0; i < n; i++) {
		far = nearest_distance(word, words[i]);
		if (far < best) {
			best = far;
			found = words[i];
		}
	}
	return found;
}
