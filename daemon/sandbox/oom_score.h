/* SPDX-License-Identifier: MIT */
/* Worker. Its place in the choice of the kernel's out-of-memory killer. */
#ifndef PREFORKD_SANDBOX_OOM_SCORE_H
#define PREFORKD_SANDBOX_OOM_SCORE_H

struct err;
struct sandbox;

/*
 * Sets oom_score_adj to what is configured. Without that, raises it, so that the kernel kills a worker, or the program
 * that it runs, and not the master, whose end would end all services; a failure is no reason not to serve then. To be
 * called before the change of user: afterwards the file in /proc belongs to root.
 */
int oom_score_set(struct sandbox *sandbox, struct err *err);

#endif
