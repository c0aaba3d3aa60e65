/* SPDX-License-Identifier: MIT */
/*
 * A load run as a whole: what it needs of the machine, its threads, its signals, and the sum of what the
 * threads found out. The work is in load_loop.h.
 */
#ifndef PREFORKD_CLIENT_LOAD_RUN_H
#define PREFORKD_CLIENT_LOAD_RUN_H

struct err;
struct load_plan;
struct load_stats;

/* Runs PLAN to its end, or until SIGINT or SIGTERM. 0, or -1 when this machine does not let it. */
int load_run(const struct load_plan *plan, struct load_stats *stats, struct err *err);

#endif
