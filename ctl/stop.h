/* SPDX-License-Identifier: MIT */
/* The command stop: asks for it, and waits until the daemon's process is no more. */
#ifndef PREFORKD_CTL_STOP_H
#define PREFORKD_CTL_STOP_H

struct options;

/* Returns the exit status. */
int stop_run(const struct options *options);

#endif
