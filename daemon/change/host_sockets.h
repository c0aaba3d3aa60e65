/* SPDX-License-Identifier: MIT */
/* --check=host. Whether the daemon of the unit can open its addresses and its control socket. Binds nothing. */
#ifndef PREFORKD_CHANGE_HOST_SOCKETS_H
#define PREFORKD_CHANGE_HOST_SOCKETS_H

struct host_report;

void host_sockets_judge(struct host_report *report);

#endif
