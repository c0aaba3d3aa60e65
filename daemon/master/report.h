/* SPDX-License-Identifier: MIT */
/* What the master tells of itself: to systemd in one line, to the log on SIGUSR1. */
#ifndef PREFORKD_MASTER_REPORT_H
#define PREFORKD_MASTER_REPORT_H

struct master;

/* STATUS= for systemctl status, if it changed. */
void report_status(struct master *master);

/* READY=1, and the line of the start. */
void report_ready(struct master *master);

/* Every pool and lane, one line each. */
void report_dump(const struct master *master);

#endif
