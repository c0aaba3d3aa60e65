/* SPDX-License-Identifier: MIT */
/* Any process. The rules of a systemd unit, and what they let its processes do: system calls, namespaces
 * (systemd.exec(5)) and control groups (systemd.resource-control(5)). */
#ifndef PREFORKD_BASE_UNIT_RULES_H
#define PREFORKD_BASE_UNIT_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct unit_settings;

/* False: SystemCallFilter= keeps the unit from the system call NAME ("chroot"). The answer is exact if systemd has told
 * the settings. The groups of calls that are known are those that contain a call which a sandbox makes. */
bool unit_rules_allow_call(const struct unit_settings *settings, const char *name);

/* False: RestrictAddressFamilies= keeps the unit from sockets of the family NAME ("AF_INET"). */
bool unit_rules_allow_family(const struct unit_settings *settings, const char *name);

/* False: RestrictNamespaces= keeps the unit from new namespaces of the kind NAME ("net", as in systemd.exec(5)). */
bool unit_rules_allow_namespace(const struct unit_settings *settings, const char *name);

/* True: Delegate= leaves a part of the tree of control groups to the unit, with the CONTROLLER ("memory", "pids"). */
bool unit_rules_delegate(const struct unit_settings *settings, const char *controller);

/* Writes the kinds of namespaces in FLAGS (CLONE_NEW...) as a value of RestrictNamespaces= that allows them alone. */
void unit_rules_write_namespaces(uint64_t flags, FILE *out);

#endif
