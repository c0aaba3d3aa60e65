/* SPDX-License-Identifier: MIT */
/* Any process. Removes everything in a folder. */
#ifndef PREFORKD_BASE_EMPTY_FOLDER_H
#define PREFORKD_BASE_EMPTY_FOLDER_H

#include <stddef.h>

/*
 * Removes all that is in the folder of descriptor FD (open for reading), and not the folder itself. Symbolic links are
 * removed and never followed, and a folder on another file system is not entered: it stays, and is a failure. Folders
 * that this process owns are made accessible first. However deep the folders are, three descriptors are open at a time:
 * inner folders are moved up into FD. Stops after MOST files. 0; or -1 with errno if something is left.
 */
int empty_folder(int fd, size_t most);

#endif
