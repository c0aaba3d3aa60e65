/* SPDX-License-Identifier: MIT */
/* preforkctl. The command explain: would the daemon let this client in now, and what does that depend on? */
#ifndef PREFORKD_CTL_EXPLAIN_H
#define PREFORKD_CTL_EXPLAIN_H

struct options;

/* Returns the exit status: 1 if a service would refuse the client. */
int explain_run(const struct options *options);

#endif
