/* SPDX-License-Identifier: MIT */
/*
 * Master. pause SERVICE: its clients wait in the queue and nobody is served; those that are connected finish. resume
 * SERVICE: it serves again. The flag is the member's (fleet/member.h); the operation is only the wait until every
 * worker of the service has heard it.
 */
#ifndef PREFORKD_CHANGE_PAUSE_H
#define PREFORKD_CHANGE_PAUSE_H

#include "change/operation.h"

extern const struct operation_kind pause_kind, resume_kind;

#endif
