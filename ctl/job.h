/* SPDX-License-Identifier: MIT */
/* preforkctl. The commands that change something: one request gives the order, further requests ask for its job until
 * the daemon has a verdict. */
#ifndef PREFORKD_CTL_JOB_H
#define PREFORKD_CTL_JOB_H

struct options;

/* Runs the command of the command line. Returns the exit status. */
int job_run(const struct options *options);

#endif
