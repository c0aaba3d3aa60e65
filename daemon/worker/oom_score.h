/* SPDX-License-Identifier: MIT */
/* Whom the kernel ends when memory runs out. */
#ifndef PREFORKD_WORKER_OOM_SCORE_H
#define PREFORKD_WORKER_OOM_SCORE_H

/*
 * When memory runs out, in the control group or in the machine, the kernel takes a worker, or the program that it runs,
 * and not the master, whose end would be everybody's. While we may: after a change of user these files are root's.
 */
void oom_score_raise(void);

#endif
