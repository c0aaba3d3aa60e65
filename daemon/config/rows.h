/* SPDX-License-Identifier: MIT */
/*
 * Any process. The one table of keys. Reading, range errors, defaults, --print-config, --help-config and the checks of
 * the manual and the sample file all use it: a new key is a new row, and the field that it fills (values.h).
 */
#ifndef PREFORKD_CONFIG_ROWS_H
#define PREFORKD_CONFIG_ROWS_H

#include <stddef.h>

#include "config/row.h"

extern const struct row rows_main[]; /* of the whole program; their fields are in struct main_values */
extern const size_t rows_main_count;
extern const struct row rows_service[]; /* of a service; their fields are in struct service_values */
extern const size_t rows_service_count;

#endif
