/* SPDX-License-Identifier: MIT */
/* --check=host, --unit-dropin. The limits of the unit that a configuration needs to be higher. Those of which
 * host_compare() warns are found for the drop-in only. */
#ifndef PREFORKD_CHANGE_HOST_AMOUNTS_H
#define PREFORKD_CHANGE_HOST_AMOUNTS_H

struct host_report;

void host_amounts_judge(struct host_report *report);

#endif
