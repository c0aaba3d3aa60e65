/* SPDX-License-Identifier: MIT */
/* Master. The system calls that workers of built-in services make, for the level "strict". */
#ifndef PREFORKD_SANDBOX_ALLOWED_H
#define PREFORKD_SANDBOX_ALLOWED_H

#include <seccomp.h>
#include <stdbool.h>

/* The run-time library of a sanitizer makes other calls, also in the place of ours. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOWED_IS_UNKNOWN true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer) ||                                 \
	__has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define ALLOWED_IS_UNKNOWN true
#endif
#endif
#ifndef ALLOWED_IS_UNKNOWN
#define ALLOWED_IS_UNKNOWN false
#endif

/* Adds rules to CONTEXT, whose default action forbids: all calls that the services make after their set-up; with PROXY,
 * those of the handler "proxy", too. 0, or a negative errno. */
int allowed_add(scmp_filter_ctx context, bool proxy);

#endif
