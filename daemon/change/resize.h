/* SPDX-License-Identifier: MIT */
/* Master. resize SERVICE MIN MAX: other limits until the next reload, through a new pool where its board has no room.
 */
#ifndef PREFORKD_CHANGE_RESIZE_H
#define PREFORKD_CHANGE_RESIZE_H

#include "change/operation.h"

extern const struct operation_kind resize_kind;

/* Asks for it. One that fits the board is done at once, whatever else runs. Returns the number of its job; 0 and *err:
 * the numbers make no sense for the service, or not now. */
unsigned resize_ask(struct operations *ops, struct member *member, int64_t min, int64_t max, struct err *err);

#endif
