/* SPDX-License-Identifier: MIT */
/*
 * Any process. A room that does not log reports a failure as -1 and a filled struct err.
 * Only the master, a worker and the programs write this text to a log.
 */
#ifndef PREFORKD_BASE_ERR_H
#define PREFORKD_BASE_ERR_H

struct err {
	int code;	/* an errno value, 0 where none applies */
	char text[512]; /* one line for a person: what failed, on which object, and why */
};

/*
 * Each function fills *err (which may be NULL) and returns -1, so that a failing function can end with it.
 * err_set() sets code to 0. err_sys() takes code from errno, err_code() takes CODE (an errno value; -rc for a function
 * that returns a negative errno): both append ": " and the text of the code, and leave errno set to the code.
 */
int err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_sys(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_code(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
