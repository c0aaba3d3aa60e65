/* SPDX-License-Identifier: MIT */
/* Client. The result of a load run, for people and for programs. */
#ifndef PREFORKD_CLIENT_REPORT_H
#define PREFORKD_CLIENT_REPORT_H

#include <stdio.h>

struct histogram;
struct load_plan;
struct load_stats;

void report_text(const struct load_plan *plan, const struct load_stats *stats, FILE *out);

/* One object on one line. */
void report_json(const struct load_plan *plan, const struct load_stats *stats, FILE *out);

/* A bar for each step of latency, on a scale of 1, 2, 5, 10. Draws nothing if no exchange was ok. */
void report_histogram(const struct histogram *latency, FILE *out);

#endif
