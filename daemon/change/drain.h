/* SPDX-License-Identifier: MIT */
/*
 * Master. drain: queued clients of all services are served, then the kernel turns clients away, until undrain. The
 * flag is the fleet's; a paused service keeps its queue as it is. The operations are only the waits.
 */
#ifndef PREFORKD_CHANGE_DRAIN_H
#define PREFORKD_CHANGE_DRAIN_H

#include "change/operation.h"

extern const struct operation_kind drain_kind, undrain_kind;

#endif
