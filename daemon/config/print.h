/* SPDX-License-Identifier: MIT */
/* Any process. The value of a row as a configuration file has it. */
#ifndef PREFORKD_CONFIG_PRINT_H
#define PREFORKD_CONFIG_PRINT_H

#include <stdio.h>

struct row;

/* Writes the value that ROW has in BASE, the struct that its offsets count from. Nothing for a group of options. */
void print_value(const struct row *row, const void *base, FILE *out);

#endif
