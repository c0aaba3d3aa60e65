/* SPDX-License-Identifier: MIT */
/* --unit-dropin. The limits of the unit that a configuration needs to be higher. --check=host warns of the same limits
 * in host_compare(), which also knows those of other hosts. */
#ifndef PREFORKD_CHANGE_HOST_AMOUNTS_H
#define PREFORKD_CHANGE_HOST_AMOUNTS_H

struct host_report;

void host_amounts_judge(struct host_report *report);

#endif
