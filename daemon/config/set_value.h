/* SPDX-License-Identifier: MIT */
/* One raw value into the field that its row names. */
#ifndef PREFORKD_CONFIG_SET_VALUE_H
#define PREFORKD_CONFIG_SET_VALUE_H

struct arena;
struct err;
struct raw;
struct row;

/* BASE is the struct that row->offset counts from. -1: the value is not one that the row takes. */
int set_value(const struct row *row, const struct raw *raw, struct arena *arena, void *base, struct err *err);

#endif
