/* SPDX-License-Identifier: MIT */
/* Any process. How much memory a process uses. */
#ifndef PREFORKD_BASE_MEMORY_USE_H
#define PREFORKD_BASE_MEMORY_USE_H

#include <stdint.h>
#include <sys/types.h>

/*
 * The proportional set size of PID in bytes (proc_pid_smaps(5)); the kernel walks all of its memory. Of a process that
 * this one may not look into: the memory that it shares with nothing, which every user may read. -1: it has ended.
 */
int64_t memory_use(pid_t pid);

#endif
