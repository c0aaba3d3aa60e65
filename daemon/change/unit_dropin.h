/* SPDX-License-Identifier: MIT */
/*
 * --unit-dropin. The smallest drop-in with which the packaged unit runs a configuration. The lacks are found by
 * the judges of --check=host, so that the check has nothing to say about a unit with this drop-in.
 */
#ifndef PREFORKD_CHANGE_UNIT_DROPIN_H
#define PREFORKD_CHANGE_UNIT_DROPIN_H

#include <stdio.h>

struct config_source;
struct problems;

/* Loads the configuration SOURCE as the unit would, and writes the drop-in to OUT. *problems_out has what is wrong with
 * the configuration, and is always set; if there is an error in it, nothing is written. Blocks as loading does. */
void unit_dropin_write(struct config_source *source, FILE *out, struct problems **problems_out);

#endif
