/* SPDX-License-Identifier: MIT */
/* The daemon's list of workers, written for people. */
#ifndef PREFORKD_CTL_WORKERS_TABLE_H
#define PREFORKD_CTL_WORKERS_TABLE_H

#include <jansson.h>
#include <stdio.h>

struct table_paper;

/* A row for each worker. Fails with errno without memory. */
int workers_table_write(const json_t *workers, const struct table_paper *paper, FILE *out);

#endif
