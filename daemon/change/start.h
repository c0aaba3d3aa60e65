/* SPDX-License-Identifier: MIT */
/* Master. The start of the daemon: it is over when every worker that was started is ready, or as soon as one fails. */
#ifndef PREFORKD_CHANGE_START_H
#define PREFORKD_CHANGE_START_H

#include <stdbool.h>

#include "change/operation.h"

extern const struct operation_kind start_kind;

/* True: each service of the fleet is optional, serves, is paused, or has failed: a worker died before any worker was
 * ever ready. *failed_out is the name of the first service that has failed; NULL: none has. */
bool start_is_over(const struct fleet *fleet, const char **failed_out);

#endif
