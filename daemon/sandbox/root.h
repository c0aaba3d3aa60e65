/* SPDX-License-Identifier: MIT */
/*
 * Worker. The root folder of `sandbox.root`. The way to the log and /proc are kept: a worker that runs programs has
 * them through open folders, which no program gets. In any other worker the code that serves clients is in the same
 * process, and an open folder would lead it out of the root folder; there, they are kept only in a form that does not
 * (proc_folder_keep_apart(), log_keep()).
 */
#ifndef PREFORKD_SANDBOX_ROOT_H
#define PREFORKD_SANDBOX_ROOT_H

#include <stdbool.h>

struct err;
struct sandbox;

/* The service asks for it, and this is no trial. */
bool root_is_wanted(const struct sandbox *sandbox);

/* Nothing if it is not wanted, or was changed before. MOUNTS: in a mount namespace of this process, in which the root
 * folder gets a mount of its own. */
int root_change(struct sandbox *sandbox, bool mounts, struct err *err);

/* That it was changed, if it was. */
int root_verify(const struct sandbox *sandbox, struct err *err);

#endif
