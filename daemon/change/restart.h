/* SPDX-License-Identifier: MIT */
/*
 * Master. restart SERVICE: all its workers or programs anew, with the configuration in force, by the same roll-out as
 * a reload's. It also ends a back-off.
 */
#ifndef PREFORKD_CHANGE_RESTART_H
#define PREFORKD_CHANGE_RESTART_H

#include "change/operation.h"

extern const struct operation_kind restart_kind;

#endif
