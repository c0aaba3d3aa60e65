/* SPDX-License-Identifier: MIT */
/* Any process. One raw value into the field of its row. */
#ifndef PREFORKD_CONFIG_SET_VALUE_H
#define PREFORKD_CONFIG_SET_VALUE_H

struct arena;
struct err;
struct raw;
struct row;

/* Stores RAW at row->offset in the struct BASE; texts in ARENA. -1 and *err: the row does not take this value. */
int set_value(const struct row *row, const struct raw *raw, struct arena *arena, void *base, struct err *err);

#endif
