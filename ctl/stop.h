/* SPDX-License-Identifier: MIT */
/* preforkctl. The command stop: gives the order and waits until the process of the daemon has ended. */
#ifndef PREFORKD_CTL_STOP_H
#define PREFORKD_CTL_STOP_H

struct options;

/* Returns the exit status. */
int stop_run(const struct options *options);

#endif
