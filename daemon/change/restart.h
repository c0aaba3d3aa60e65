/* SPDX-License-Identifier: MIT */
/*
 * Master. restart SERVICE: replaces all its workers or programs, with the configuration in force, in the same way as a
 * reload (rollout.h). It also ends the pause after failed starts.
 */
#ifndef PREFORKD_CHANGE_RESTART_H
#define PREFORKD_CHANGE_RESTART_H

#include "change/operation.h"

extern const struct operation_kind restart_kind;

#endif
