/* SPDX-License-Identifier: MIT */
/* Any process. Whether users whom this process does not trust could change a file: any but root and its own. */
#ifndef PREFORKD_BASE_PATH_TRUST_H
#define PREFORKD_BASE_PATH_TRUST_H

#include <limits.h>

struct err;
struct stat;

/*
 * 0: only root and the effective user can change the file or folder PATH, each folder on the way to it, and each
 * symbolic link. REAL_OUT is then its path without links, and *ST_OUT what lstat(2) says of it. -1 and *err: others can
 * (err->code 0; the text names the file, its owner or its mode), or one of these does not exist or cannot be looked at
 * (err->code is the errno). A relative PATH begins at the working directory.
 */
int path_trust(const char *path, char real_out[PATH_MAX], struct stat *st_out, struct err *err);

#endif
