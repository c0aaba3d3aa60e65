/* SPDX-License-Identifier: MIT */
/* What the command line asks for, as the daemon wants to hear it. */
#ifndef PREFORKD_CTL_REQUEST_H
#define PREFORKD_CTL_REQUEST_H

#include <jansson.h>
#include <stdint.h>

struct err;
struct options;

/* NULL and *err if an argument is none that can be sent. */
json_t *request_new(const struct options *options, struct err *err);

/* The state of the daemon; how a job goes. NULL without memory. */
json_t *request_status(void);
json_t *request_job(int64_t job);

#endif
