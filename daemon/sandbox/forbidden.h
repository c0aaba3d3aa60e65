/* SPDX-License-Identifier: MIT */
/* Master. The system calls that programs, modules and, at the level "default", all workers are refused. */
#ifndef PREFORKD_SANDBOX_FORBIDDEN_H
#define PREFORKD_SANDBOX_FORBIDDEN_H

#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>

/* Adds rules to CONTEXT, whose default action allows: ACTION for the calls of both levels, and with STRICT for those of
 * "strict". Some calls whose arguments a filter cannot see get ENOSYS, so that the C library uses an older call. 0, or
 * a negative errno. */
int forbidden_add(scmp_filter_ctx context, uint32_t action, bool strict);

#endif
