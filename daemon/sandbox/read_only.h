/* SPDX-License-Identifier: MIT */
/* Worker. All files can be read and none can be written (sandbox.read_only). */
#ifndef PREFORKD_SANDBOX_READ_ONLY_H
#define PREFORKD_SANDBOX_READ_ONLY_H

struct err;
struct sandbox;

/*
 * In a mount namespace of its own: all mounts become read-only, except at the paths of sandbox.write. Devices, FIFOs
 * and unix sockets can be used as before. /proc stays writable, because programs set their own oom_score_adj and the
 * like there, except what belongs to the whole host (/proc/sys ...). Later mounts are not read-only. Needs
 * Linux 5.12.
 */
int read_only_make(struct sandbox *sandbox, struct err *err);
int read_only_verify(const struct sandbox *sandbox, struct err *err);

#endif
