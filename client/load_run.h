/* SPDX-License-Identifier: MIT */
/*
 * The load itself: one thread, one epoll, a closed loop of clients. A client starts its next
 * exchange as soon as the one before has ended.
 */
#ifndef PREFORKD_CLIENT_LOAD_RUN_H
#define PREFORKD_CLIENT_LOAD_RUN_H

struct err;
struct load_plan;
struct load_stats;

/* Runs PLAN to its end, or until SIGINT or SIGTERM. 0, or -1 when this machine does not let it. */
int load_run(const struct load_plan *plan, struct load_stats *stats, struct err *err);

#endif
