/* SPDX-License-Identifier: MIT */
/* What can be asked through the control socket, and the answers. */
#ifndef PREFORKD_CONTROL_COMMANDS_H
#define PREFORKD_CONTROL_COMMANDS_H

#include <jansson.h>

struct control_peer;
struct master;

/* Does REQUEST for PEER and returns the reply, NULL without memory. *job_out: the job whose verdict the peer
 * waits for; 0: the reply is all. */
json_t *control_command(struct master *master, const struct control_peer *peer, json_t *request, unsigned *job_out);

/* How far a job is. */
json_t *control_job(const struct master *master, unsigned number);

/* {"ok":false, ...}: EXIT is what preforkctl exits with. */
json_t *control_refuse(int exit_status, const char *text);

#endif
