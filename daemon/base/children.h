/* SPDX-License-Identifier: MIT */
/* Any process. The children of this process, as the kernel lists them (proc(5), CONFIG_PROC_CHILDREN): also adopted
 * ones. */
#ifndef PREFORKD_BASE_CHILDREN_H
#define PREFORKD_BASE_CHILDREN_H

#include <stdio.h>

/* A file with their pids, decimal, separated by blanks; the caller closes it. NULL: the kernel has no such list. */
FILE *children_open(void);

#endif
