/* SPDX-License-Identifier: MIT */
/*
 * Master. pause SERVICE: new clients wait in the queue; those that are connected finish. resume SERVICE: it serves
 * again. The member (fleet/member.h) has the flag; the operation only waits until every worker of the service has heard
 * that it is retired.
 */
#ifndef PREFORKD_CHANGE_PAUSE_H
#define PREFORKD_CHANGE_PAUSE_H

#include "change/operation.h"

extern const struct operation_kind pause_kind, resume_kind;

#endif
