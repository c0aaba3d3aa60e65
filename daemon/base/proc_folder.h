/* SPDX-License-Identifier: MIT */
/*
 * Any process. Files of /proc, named by their path below it. A worker whose root folder or mounts change keeps the
 * /proc that it had before, because a new one may be missing or may show other processes. File-level state.
 */
#ifndef PREFORKD_BASE_PROC_FOLDER_H
#define PREFORKD_BASE_PROC_FOLDER_H

#include <stdio.h>

struct err;

/* From now on all calls below use the /proc of now, through a descriptor that is never closed (close-on-exec). Once, in
 * a process with one thread. 0, or -1 and *err. */
int proc_folder_keep(struct err *err);

/* The same through a /proc of its own, from which no ".." leads to the files around it. Needs CAP_SYS_ADMIN: -1
 * without it, and nothing is kept. */
int proc_folder_keep_apart(void);

/* open(2) of PATH below /proc; FLAGS without O_CREAT; close-on-exec. The caller closes the descriptor; -1 with errno.
 * Async-signal-safe. */
int proc_folder_open(const char *path, int flags);

/* The same as a stream for reading; the caller closes it. NULL with errno. */
FILE *proc_folder_stream(const char *path);

#endif
