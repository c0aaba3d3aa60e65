/* SPDX-License-Identifier: MIT */
/* The command top: the status on the whole terminal, again and again. */
#ifndef PREFORKD_CTL_TOP_H
#define PREFORKD_CTL_TOP_H

struct options;

/* Returns the exit status. */
int top_run(const struct options *options);

#endif
