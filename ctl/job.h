/* SPDX-License-Identifier: MIT */
/* The commands that change something and take their time: asked for once, then followed to their
 * end. */
#ifndef PREFORKD_CTL_JOB_H
#define PREFORKD_CTL_JOB_H

struct options;

/* Returns the exit status. */
int job_run(const struct options *options);

#endif
