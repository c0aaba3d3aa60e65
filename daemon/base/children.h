/* SPDX-License-Identifier: MIT */
/* The children of this process, as the kernel lists them (proc(5), CONFIG_PROC_CHILDREN). */
#ifndef PREFORKD_BASE_CHILDREN_H
#define PREFORKD_BASE_CHILDREN_H

#include <stdio.h>

/* Their pids, decimal, with spaces between; the caller closes it. NULL where the kernel has no such list. */
FILE *children_open(void);

#endif
