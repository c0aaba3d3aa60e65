/* SPDX-License-Identifier: MIT */
/*
 * How a layer that does not log reports a failure: -1 and a filled struct err.
 * Only the master, a worker and the tools write such a text to a log.
 */
#ifndef PREFORKD_BASE_ERR_H
#define PREFORKD_BASE_ERR_H

struct err {
	int code;	/* an errno value, 0 where none applies */
	char text[512]; /* one line for a person; says what, on what, and why */
};

/*
 * Fills *err (which may be NULL) and returns -1, so that a failing function can end with it.
 * err_sys() appends ": " and the text of errno, and keeps errno in code; err_set() has no errno.
 */
int err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_sys(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
