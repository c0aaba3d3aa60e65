/* SPDX-License-Identifier: MIT */
/* preforkctl. The commands status and workers: one request, one table. */
#ifndef PREFORKD_CTL_STATUS_H
#define PREFORKD_CTL_STATUS_H

struct options;

/* Each returns the exit status. */
int status_run(const struct options *options);
int workers_run(const struct options *options);

#endif
