/* SPDX-License-Identifier: MIT */
/* preforkctl. Errors, lists and JSON for the user. Functions that return int return an exit status. */
#ifndef PREFORKD_CTL_SAY_H
#define PREFORKD_CTL_SAY_H

#include <jansson.h>
#include <stdio.h>

struct err;

#define SAY_TEXT_MAX 4096 /* bytes; longer texts of the daemon are cut */

/* Prints "preforkctl: " and the text of ERR on standard error. Returns STATUS. */
int say_failure(const struct err *err, int status);

/* Prints WHAT and the text of errno on standard error. */
int say_system_error(const char *what);

/* Prints that a member is missing in the daemon's answer; WHAT says which one. */
int say_malformed(const char *what);

/* Prints each string of the array LINES on a line of its own, escaped. Members of other types are left out. */
void say_lines(const json_t *lines, FILE *out);

/* Prints VALUE as JSON on standard output, members in the order in which they came. */
int say_json(const json_t *value);

/* Flushes standard output. Returns STATUS, or EX_OSERR (and prints why) if something could not be written. */
int say_end(int status);

#endif
