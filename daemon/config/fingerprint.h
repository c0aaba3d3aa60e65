/* SPDX-License-Identifier: MIT */
/* Any process. Recognizes the configuration of a service across versions of this program. */
#ifndef PREFORKD_CONFIG_FINGERPRINT_H
#define PREFORKD_CONFIG_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

struct config;

/*
 * A number that stays the same as long as a change from one configuration to the other would need no new workers for
 * service number INDEX. It covers the keys that were written, and the results of their look-ups, but no defaults: a
 * version that has more keys has the same number. It is for services that run programs: options of modules are not
 * covered. Never 0.
 */
uint64_t config_fingerprint(const struct config *config, size_t index);

#endif
