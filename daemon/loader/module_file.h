/* SPDX-License-Identifier: MIT */
/*
 * Master. Opens the file of a module. Its code runs with the master's privileges, so a file that another user could
 * change or replace is refused.
 */
#ifndef PREFORKD_LOADER_MODULE_FILE_H
#define PREFORKD_LOADER_MODULE_FILE_H

#include <sys/types.h>

struct err;

/*
 * Opens PATH for reading, close-on-exec. Only root and the effective user may be able to change the file, each folder
 * on the way to it, and each symbolic link. Returns the descriptor, which the caller closes, and the size of the file
 * in *SIZE_OUT; or -1 and *err.
 */
int module_file_open(const char *path, off_t *size_out, struct err *err);

#endif
