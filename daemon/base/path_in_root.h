/* SPDX-License-Identifier: MIT */
/* Any process. Paths as a process sees them whose root folder is another one. */
#ifndef PREFORKD_BASE_PATH_IN_ROOT_H
#define PREFORKD_BASE_PATH_IN_ROOT_H

#include <limits.h>

/* realpath(3) of PATH, an absolute path, in a process whose root folder is the folder ROOT; NULL: that of this process.
 * REAL gets the path that this process has for the file. 0, or -1 with errno: ENOSYS: before Linux 5.6. */
int path_in_root(const char *root, const char *path, char real[PATH_MAX]);

#endif
