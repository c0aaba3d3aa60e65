/* SPDX-License-Identifier: MIT */
/* The command explain: would this client get in now, and what does that hang on. */
#ifndef PREFORKD_CTL_EXPLAIN_H
#define PREFORKD_CTL_EXPLAIN_H

#include <jansson.h>

struct err;
struct options;

/* Returns the exit status: 1 if a service would refuse it. */
int explain_run(const struct options *options);

/* What the daemon is asked (explain_request.c); names of users and groups are looked up here, for the daemon waits for
 * nobody. NULL and *err: that is no client. */
json_t *explain_request(const char *client, const char *service, struct err *err);

#endif
