/* SPDX-License-Identifier: MIT */
/* --check=host. Whether the daemon of the unit can read its configuration, and run the programs of its services. */
#ifndef PREFORKD_CHANGE_HOST_FILES_H
#define PREFORKD_CHANGE_HOST_FILES_H

struct host_report;

void host_files_judge(struct host_report *report);

#endif
