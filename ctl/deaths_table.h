/* SPDX-License-Identifier: MIT */
/* preforkctl. The last deaths of a service as a table for people. */
#ifndef PREFORKD_CTL_DEATHS_TABLE_H
#define PREFORKD_CTL_DEATHS_TABLE_H

#include <jansson.h>
#include <stdio.h>

struct table_paper;

/* Writes a heading and a row for each death of SERVICE, a member of the status; nothing if there were none. The time is
 * NOW, in seconds since 1970. -1 and errno without memory. */
int deaths_table_write(const json_t *service, double now, const struct table_paper *paper, FILE *out);

#endif
