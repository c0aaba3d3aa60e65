/* SPDX-License-Identifier: MIT */
/* Worker. Folders /tmp and /var/tmp of its own (sandbox.private_tmp). File-level state: their descriptors. */
#ifndef PREFORKD_SANDBOX_PRIVATE_TMP_H
#define PREFORKD_SANDBOX_PRIVATE_TMP_H

#include <stdbool.h>

struct err;
struct sandbox;

/*
 * In a mount namespace of its own: puts two empty folders of one new file system in memory over /tmp and /var/tmp; one
 * that does not exist is left out. Both together have room for PRIVATE_TMP_BYTES and PRIVATE_TMP_FILES; then writing
 * fails with ENOSPC.
 */
#define PRIVATE_TMP_BYTES "64m"
#define PRIVATE_TMP_FILES 4096
int private_tmp_mount(struct sandbox *sandbox, struct err *err);
int private_tmp_verify(const struct sandbox *sandbox, struct err *err);

/* After a connection, when all its processes have ended: removes all that is in the folders; one system call if there
 * is nothing. False: something is left. True also when this process has no such folders. */
bool private_tmp_clean(void);

#endif
