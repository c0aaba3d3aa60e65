/* SPDX-License-Identifier: MIT */
/* Any process. The settings of a unit from its files, where systemd does not run: the unit and its drop-ins
 * (systemd.unit(5)). */
#ifndef PREFORKD_BASE_UNIT_FILES_H
#define PREFORKD_BASE_UNIT_FILES_H

#include <stdbool.h>

struct limits;
struct unit_settings;

/* Reads the unit settings->unit and, as far as it sets them, its limits. ROOT is put in front of all paths: "" except
 * in tests. False: there is no such unit. */
bool unit_files_read(const char *root, struct unit_settings *settings, struct limits *limits);

/* Takes the LINES of a unit's file (each shorter than 1024 bytes, NULL at the end) in the same way. */
void unit_files_take(const char *const *lines, struct unit_settings *settings, struct limits *limits);

#endif
