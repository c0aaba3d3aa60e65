/* SPDX-License-Identifier: MIT */
/* What the master tells of itself: to systemd in one line, to the log on SIGUSR1. */
#ifndef PREFORKD_MASTER_REPORT_H
#define PREFORKD_MASTER_REPORT_H

#include <jansson.h>
#include <stdbool.h>

struct inherited_set;
struct master;

/* STATUS= for systemctl status, if it changed. */
void report_status(struct master *master);

/* READY=1, and the line of the start. */
void report_ready(struct master *master);

/* RELOADING=1: a change begins; READY=1 follows with report_verdict(), whatever comes of it. */
void report_reloading(void);

/* What came of a reload or upgrade, with REASONS (strings; may be NULL). */
void report_verdict(struct master *master, bool success, const char *text, const json_t *reasons);

/* The inherited descriptors that nobody wanted. */
void report_leftovers(const struct inherited_set *inherited);

/* Every pool and lane, one line each. */
void report_dump(const struct master *master);

#endif
