/* SPDX-License-Identifier: MIT */
/* Master. resize SERVICE MIN MAX: sets other limits until the next reload. If the pool's board has no room for them,
 * the pool is replaced, as by a reload. */
#ifndef PREFORKD_CHANGE_RESIZE_H
#define PREFORKD_CHANGE_RESIZE_H

#include "change/operation.h"

extern const struct operation_kind resize_kind;

/* Asks for a resize. If the limits fit the board they are set at once, whatever else runs but a start or a stop.
 * Returns the number of its job; 0 and *err: the limits are wrong for the service, or the resize is refused now. */
unsigned resize_ask(struct operations *ops, struct member *member, int64_t min, int64_t max, struct err *err);

#endif
