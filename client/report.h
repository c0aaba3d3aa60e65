/* SPDX-License-Identifier: MIT */
/* The result of a load run, for people and for programs. */
#ifndef PREFORKD_CLIENT_REPORT_H
#define PREFORKD_CLIENT_REPORT_H

#include <stdio.h>

struct load_plan;
struct load_stats;

void report_text(const struct load_plan *plan, const struct load_stats *stats, FILE *out);

/* One object on one line. */
void report_json(const struct load_plan *plan, const struct load_stats *stats, FILE *out);

#endif
