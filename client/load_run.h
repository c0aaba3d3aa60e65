/* SPDX-License-Identifier: MIT */
/*
 * Client. A load run as a whole: its limits, threads and signals, and the sum of the threads' results. The work is in
 * load_loop.h.
 */
#ifndef PREFORKD_CLIENT_LOAD_RUN_H
#define PREFORKD_CLIENT_LOAD_RUN_H

struct err;
struct load_plan;
struct load_stats;

/* Blocks until PLAN is done, or until SIGINT or SIGTERM. 0, or -1 after an error of this host. */
int load_run(const struct load_plan *plan, struct load_stats *stats, struct err *err);

#endif
