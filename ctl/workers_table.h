/* SPDX-License-Identifier: MIT */
/* preforkctl. The list of workers as a table for people. */
#ifndef PREFORKD_CTL_WORKERS_TABLE_H
#define PREFORKD_CTL_WORKERS_TABLE_H

#include <jansson.h>
#include <stdio.h>

struct table_paper;

/* Writes a row for each worker. -1 and errno without memory. */
int workers_table_write(const json_t *workers, const struct table_paper *paper, FILE *out);

#endif
