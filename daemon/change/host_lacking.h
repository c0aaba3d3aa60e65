/* SPDX-License-Identifier: MIT */
/* --check=host, --unit-dropin. The things that the unit lacks for one key of a service. Lists are texts with blanks
 * between their words. */
#ifndef PREFORKD_CHANGE_HOST_LACKING_H
#define PREFORKD_CHANGE_HOST_LACKING_H

#include <stdbool.h>

#include "change/host_report.h"

/* One key; begins with an empty text. All pointers are the caller's. */
struct host_lacking {
	struct host_report *report;
	const struct host_place *place;
	const char *why;
	bool is_root;	/* the service has this user */
	char text[512]; /* what has been found: "CAP_SETUID, SystemCallFilter=@setuid" */
};

/* Each of these adds what the unit lacks of the list: */

/* system calls ("chroot setgroups"), */
void host_lacking_calls(struct host_lacking *l, const char *list);
/* the rights of root ("CAP_SETUID CAP_SETGID"), with the system calls that they are for, */
void host_lacking_capabilities(struct host_lacking *l, const char *list);
/* kinds of new namespaces ("user mnt"); "user" counts for those only who cannot make the others without it, */
void host_lacking_namespaces(struct host_lacking *l, const char *list);
/* settings that must not be on ("ProtectControlGroups"), */
void host_lacking_offs(struct host_lacking *l, const char *list);
/* a controller of control groups ("memory"); a process without a unit lacks none, */
void host_lacking_controller(struct host_lacking *l, const char *controller);
/* and what a new /proc needs. */
void host_lacking_proc(struct host_lacking *l);

/* Adds that the unit must start as root. */
void host_lacking_root(struct host_lacking *l);

/* Reports all that was found, with WEIGHT. True: nothing is lacking. */
bool host_lacking_finish(const struct host_lacking *l, enum host_weight weight);

#endif
