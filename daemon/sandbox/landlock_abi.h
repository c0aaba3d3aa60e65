/* SPDX-License-Identifier: MIT */
/* Any process. Landlock as the kernel has it (landlock(7)): its system calls and numbers. The headers of many
 * distributions know fewer of them than the kernels that people run. */
#ifndef PREFORKD_SANDBOX_LANDLOCK_ABI_H
#define PREFORKD_SANDBOX_LANDLOCK_ABI_H

#include <stdint.h>

/* Rights to files and folders; the comments name the ABI that brought them, if it is not the first. */
#define LANDLOCK_EXECUTE     (UINT64_C(1) << 0)
#define LANDLOCK_WRITE_FILE  (UINT64_C(1) << 1)
#define LANDLOCK_READ_FILE   (UINT64_C(1) << 2)
#define LANDLOCK_READ_DIR    (UINT64_C(1) << 3)
#define LANDLOCK_REMOVE_DIR  (UINT64_C(1) << 4)
#define LANDLOCK_REMOVE_FILE (UINT64_C(1) << 5)
#define LANDLOCK_MAKE_ALL    (UINT64_C(0x7f) << 6) /* character device, folder, file, socket, FIFO, block device, link */
#define LANDLOCK_REFER	     (UINT64_C(1) << 13)   /* 2: link and rename from one folder to another */
#define LANDLOCK_TRUNCATE    (UINT64_C(1) << 14)   /* 3 */
#define LANDLOCK_IOCTL_DEV   (UINT64_C(1) << 15)   /* 5 */

/* The rights that a file can have which is no folder. */
#define LANDLOCK_OF_FILES                                                                                              \
	(LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_FILE | LANDLOCK_TRUNCATE | LANDLOCK_IOCTL_DEV)

/* 4 */
#define LANDLOCK_BIND_TCP    (UINT64_C(1) << 0)
#define LANDLOCK_CONNECT_TCP (UINT64_C(1) << 1)

#define LANDLOCK_SIGNAL (UINT64_C(1) << 1) /* 6: signals to processes outside */

struct landlock_handled { /* what a ruleset forbids, except where a rule allows it */
	uint64_t fs, net, scoped;
};

/* The version of the kernel's Landlock, at least 1; 0 with errno: it has none, or does not let this process ask. */
int landlock_abi(void);

/* A new ruleset (close-on-exec), or -1 with errno. Rights that ABI does not have are left out. */
int landlock_new(int abi, struct landlock_handled *handled);

/* Allows RIGHTS to the file or folder PATH_FD and what is below it; RIGHTS must be among the handled ones. -1 with
 * errno. */
int landlock_allow_path(int ruleset, int path_fd, uint64_t rights);
int landlock_allow_port(int ruleset, uint16_t port, uint64_t rights);

/* Limits the calling thread, for ever. PROGRAM: the process is about to execute one; denials are then told to audit,
 * if ABI can. Needs no_new_privs, or CAP_SYS_ADMIN. Async-signal-safe. -1 with errno. */
int landlock_restrict(int abi, int ruleset, int program);

#endif
