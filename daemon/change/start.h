/* SPDX-License-Identifier: MIT */
/* Master. The start: it is over when every worker that was started is ready, or as soon as one cannot be. */
#ifndef PREFORKD_CHANGE_START_H
#define PREFORKD_CHANGE_START_H

#include <stdbool.h>

#include "change/operation.h"

extern const struct operation_kind start_kind;

/* Every service of the fleet serves, rests by order, or (its name is in *failed_out, the first of them) has had a
 * worker that died before any was ever ready. */
bool start_is_over(const struct fleet *fleet, const char **failed_out);

#endif
