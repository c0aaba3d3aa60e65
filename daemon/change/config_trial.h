/* SPDX-License-Identifier: MIT */
/* Master, and a child of it. Reads a configuration first in the child: a crash of the parser, or a name server that
 * does not answer, then does not harm the master. */
#ifndef PREFORKD_CHANGE_CONFIG_TRIAL_H
#define PREFORKD_CHANGE_CONFIG_TRIAL_H

#include <jansson.h>

struct config;
struct config_source;
struct trial;

/* Child: for trial_start(); ARG is a struct config_source. Writes a line "E text" for each error, "W text" for each
 * warning, "M mark" for each module that it has tried, and "." at the end if the configuration can be used. */
int config_trial_run(void *arg, int out);

/* Judges what the child has written. 0: the configuration can be used. -1: *reasons_out, a new list of strings in
 * either case, has the errors, or says how the child has ended. */
int config_trial_judge(const struct trial *trial, json_t **reasons_out);

/* Loads the configuration in the master, after the child of TRIAL has loaded it without harm; of the modules only those
 * that the child has tried. NULL: the files have changed since then and are wrong now. *reasons_out, a new list of
 * strings, gets the errors; on success the warnings. */
struct config *config_trial_load(const struct config_source *source, const struct trial *trial, json_t **reasons_out);

#endif
