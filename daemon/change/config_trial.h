/* SPDX-License-Identifier: MIT */
/* Reads a configuration in a child: a parser that dies, or a name server that does not answer, is the child's trouble.
 */
#ifndef PREFORKD_CHANGE_CONFIG_TRIAL_H
#define PREFORKD_CHANGE_CONFIG_TRIAL_H

#include <jansson.h>

struct config;
struct config_source;
struct trial;

/* For trial_start(): ARG is a struct config_source. Writes "E text" and "W text" lines, "M mark" for each module that
 * it has tried, and "." when it would do. */
int config_trial_run(void *arg, int out);

/* What came of it: 0, or -1 and the *reasons (a new JSON list of strings, errors first). */
int config_trial_judge(const struct trial *trial, json_t **reasons_out);

/* Loads it in this process, once the child of TRIAL has survived it; modules only if that child has tried them. NULL:
 * it was changed meanwhile, and is wrong now. *reasons_out gets the errors, or the warnings. */
struct config *config_trial_load(const struct config_source *source, const struct trial *trial, json_t **reasons_out);

#endif
