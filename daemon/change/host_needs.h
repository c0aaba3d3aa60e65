/* SPDX-License-Identifier: MIT */
/* --check=host, --unit-dropin. The needs of a service because of its keys: the rights of root, system calls,
 * namespaces. Files and addresses have files of their own (host_files.h, host_sockets.h). */
#ifndef PREFORKD_CHANGE_HOST_NEEDS_H
#define PREFORKD_CHANGE_HOST_NEEDS_H

#include "change/host_report.h"

/* Reports what the unit lacks for the services that are enabled. */
void host_needs_judge(struct host_report *report);

/* The same for the CAPABILITIES ("CAP_CHOWN CAP_FOWNER") that the key at PLACE needs because of WHY. True: the unit has
 * them, and allows the system calls that they are for. */
bool host_needs_capabilities(struct host_report *report, enum host_weight weight, const struct host_place *place,
			     const char *capabilities, const char *why);

#endif
