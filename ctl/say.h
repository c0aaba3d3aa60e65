/* SPDX-License-Identifier: MIT */
/* What preforkctl tells whoever called it. Each returns the exit status that goes with it. */
#ifndef PREFORKD_CTL_SAY_H
#define PREFORKD_CTL_SAY_H

#include <jansson.h>
#include <stdio.h>

struct err;

#define SAY_TEXT_MAX 4096 /* longer texts of the daemon are cut */

/* "preforkctl: ..." on standard error. Returns STATUS. */
int say_failure(const struct err *err, int status);

/* Memory, or the output: by errno. */
int say_system_error(const char *what);

/* The daemon's answer has not what it must have. */
int say_malformed(const char *what);

/* Each string of a list on a line of its own, escaped. */
void say_lines(const json_t *lines, FILE *out);

/* VALUE as it was sent, on standard output. */
int say_json(const json_t *value);

/* The end of standard output: STATUS, unless something could not be written. */
int say_end(int status);

#endif
