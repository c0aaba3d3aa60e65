/* SPDX-License-Identifier: MIT */
/*
 * Worker. The root folder of `sandbox.root`. The way to the log and /proc are kept: a worker that runs programs has
 * them through open folders, which no program gets. In any other worker the code that serves clients is in the same
 * process, and an open folder would lead it out of the root folder; there, they are kept only in a form that does not
 * (proc_folder_keep_apart(), log_keep()).
 */
#ifndef PREFORKD_SANDBOX_ROOT_H
#define PREFORKD_SANDBOX_ROOT_H

struct err;
struct sandbox;

int root_change(struct sandbox *sandbox, struct err *err);
int root_verify(const struct sandbox *sandbox, struct err *err);

#endif
