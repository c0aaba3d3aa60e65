/* SPDX-License-Identifier: MIT */
/* Worker. Its place in the choice of the kernel's out-of-memory killer. */
#ifndef PREFORKD_WORKER_OOM_SCORE_H
#define PREFORKD_WORKER_OOM_SCORE_H

/*
 * Raises oom_score_adj, so that the kernel kills a worker, or the program that it runs, and not the master, whose end
 * would end all services. To be called before the change of user: afterwards the file in /proc belongs to root.
 */
void oom_score_raise(void);

#endif
