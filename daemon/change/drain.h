/* SPDX-License-Identifier: MIT */
/*
 * Master. drain: all services serve their queued clients, then the kernel refuses clients until undrain. A paused
 * service keeps its queue as it is. The fleet has the flag, and fleet/retiring.c does the work; the operations only
 * wait for it.
 */
#ifndef PREFORKD_CHANGE_DRAIN_H
#define PREFORKD_CHANGE_DRAIN_H

#include "change/operation.h"

extern const struct operation_kind drain_kind, undrain_kind;

#endif
