/* SPDX-License-Identifier: MIT */
/* The commands that ask once: status and workers. */
#ifndef PREFORKD_CTL_STATUS_H
#define PREFORKD_CTL_STATUS_H

struct options;

/* Return the exit status. */
int status_run(const struct options *options);
int workers_run(const struct options *options);

#endif
