/* SPDX-License-Identifier: MIT */
/* preforkctl. The requests that are sent to the daemon. Each function returns a new object. */
#ifndef PREFORKD_CTL_REQUEST_H
#define PREFORKD_CTL_REQUEST_H

#include <jansson.h>
#include <stdint.h>

struct err;
struct options;

/* The request for the command of the command line. NULL and *err: an argument cannot be sent, or there is no memory. */
json_t *request_new(const struct options *options, struct err *err);

/* Ask for the state of the daemon, and how the job of that number is getting on. NULL without memory. */
json_t *request_status(void);
json_t *request_job(int64_t job);

#endif
