/* SPDX-License-Identifier: MIT */
/*
 * Any process. What another user may do with a file, by the owners and modes of the file and of all folders on the way
 * to it, as path_resolution(7) says. access(2) answers only for this process.
 */
#ifndef PREFORKD_BASE_PATH_ACCESS_H
#define PREFORKD_BASE_PATH_ACCESS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

struct path_user {
	const char *name; /* for messages: "the user git" */
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary */
	size_t n_groups;
	bool may_search;   /* CAP_DAC_READ_SEARCH: reads every file, enters every folder */
	bool may_override; /* CAP_DAC_OVERRIDE: and writes */
};

enum path_answer {
	PATH_YES,
	PATH_NO,      /* the mode of the file or of a folder forbids it, or there is no such file */
	PATH_UNKNOWN, /* this process cannot look, or the mode forbids it and an access control list may allow it */
};

/*
 * Whether WHO may do with PATH (absolute) all of HOW: R_OK, W_OK, X_OK of access(2); F_OK: only reach it. Except for
 * PATH_YES, *err names the file or folder that is in the way. *REAL (PATH_MAX bytes; may be NULL) is PATH without
 * symbolic links, as far as it was followed.
 */
enum path_answer path_access(const char *path, int how, const struct path_user *who, char *real, struct err *err);

#endif
