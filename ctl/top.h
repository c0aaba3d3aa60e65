/* SPDX-License-Identifier: MIT */
/* preforkctl. The command top: the status on the whole terminal, refreshed until the user quits. */
#ifndef PREFORKD_CTL_TOP_H
#define PREFORKD_CTL_TOP_H

struct options;

/* Returns the exit status. */
int top_run(const struct options *options);

#endif
