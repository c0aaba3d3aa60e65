/* SPDX-License-Identifier: MIT */
/* Any process. Are two values the same? */
#ifndef PREFORKD_CONFIG_SAME_H
#define PREFORKD_CONFIG_SAME_H

#include <stdbool.h>

struct row;

/* NULL is the same as NULL only. */
bool same_text(const char *a, const char *b);

/* The fields A and B have the type of ROW. */
bool same_field(const struct row *row, const void *a, const void *b);

#endif
