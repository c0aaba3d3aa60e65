/* SPDX-License-Identifier: MIT */
/* Any process. vfork(2) into a control group: glibc has no function for what clone3(2) offers there. */
#ifndef PREFORKD_BASE_CLONE_INTO_H
#define PREFORKD_BASE_CLONE_INTO_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Starts a child in the control group GROUP, a descriptor of its folder. The child shares the caller's memory, and the
 * caller waits until it executes a program or exits. It runs RUN(ARG), which must not return, on STACK (SIZE bytes,
 * aligned to 16). Its end sends SIGCHLD. Returns the pid, and in *PIDFD_OUT a pidfd (close-on-exec, the caller's); -1
 * with errno; ENOSYS: not on this kernel or processor.
 */
pid_t clone_into(int group, int (*run)(void *arg), void *arg, void *stack, size_t size, int *pidfd_out);

#endif
