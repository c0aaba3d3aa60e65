/* SPDX-License-Identifier: MIT */
/* Master. cancel: gives up a reload, restart, resize or upgrade that is not in force yet; all goes on as before. */
#ifndef PREFORKD_CHANGE_CANCEL_H
#define PREFORKD_CHANGE_CANCEL_H

#include "change/operation.h"

extern const struct operation_kind cancel_kind;

#endif
