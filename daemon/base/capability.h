/* SPDX-License-Identifier: MIT */
/* Any process. Capabilities (capabilities(7)) as people write them. A set of them has a bit for each number. */
#ifndef PREFORKD_BASE_CAPABILITY_H
#define PREFORKD_BASE_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

#define CAPABILITY_TEXT 40 /* for the longest name */

/* The number of "CAP_NET_RAW", "net_raw" ..., in capitals or not; -1: there is no such capability. */
int capability_by_name(const char *name);

/* "CAP_NET_RAW"; "capability 63" if this program knows no name. */
void capability_name(int number, char out[CAPABILITY_TEXT]);

/* The effective ones of this process. */
uint64_t capability_own(void);

/* This process has the capability NUMBER (CAP_... of linux/capability.h) in effect. */
bool capability_has(int number);

#endif
