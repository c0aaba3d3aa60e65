/* SPDX-License-Identifier: MIT */
/* preforkctl. What the command explain sends to the daemon. Names of users and groups are looked up here, because the
 * daemon must not wait for a name service. */
#ifndef PREFORKD_CTL_EXPLAIN_REQUEST_H
#define PREFORKD_CTL_EXPLAIN_REQUEST_H

#include <jansson.h>

struct err;

/* CLIENT as the command line has it; SERVICE may be NULL: all services. Returns a new object; NULL and *err if CLIENT
 * is neither an address nor a unix client. May block in the name service. */
json_t *explain_request(const char *client, const char *service, struct err *err);

#endif
