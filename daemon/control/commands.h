/* SPDX-License-Identifier: MIT */
/* Master. The commands of the control socket: what a client may ask, and the replies. */
#ifndef PREFORKD_CONTROL_COMMANDS_H
#define PREFORKD_CONTROL_COMMANDS_H

#include <jansson.h>

struct control_peer;
struct operations;

/* Does what REQUEST asks, for PEER, and returns the reply; NULL: no memory. *job_out: the job whose verdict the client
 * waits for; 0: none, and the reply is complete. */
json_t *commands_run(struct operations *ops, const struct control_peer *peer, json_t *request, unsigned *job_out);

/* The state of a job, or its verdict. */
json_t *commands_job(const struct operations *ops, unsigned number);

/* {"ok": false, ...}: an error. preforkctl prints TEXT and exits with EXIT_STATUS. */
json_t *commands_refuse(int exit_status, const char *text);

#endif
