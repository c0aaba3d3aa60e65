/* SPDX-License-Identifier: MIT */
/* Master. One connection to the control socket: reads a request, answers it, and writes the reply, and never blocks. */
#ifndef PREFORKD_CONTROL_CONN_H
#define PREFORKD_CONTROL_CONN_H

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "control/peer.h"

/* Time for a request to arrive, and for its reply to be read. */
#define CONTROL_CONN_MS 5000

struct operations;

struct control_conn {
	struct operations *ops;
	int fd;
	sd_event_source *io, *timer;
	struct control_peer peer;
	unsigned char *data; /* the request as far as it has arrived; then the reply */
	size_t have, room;   /* of the request */
	size_t len, at;	     /* of the reply: its length, and how much of it is written; len 0: there is no reply yet */
	unsigned job;	     /* the job whose verdict the client waits for; 0: none */
	void (*on_close)(struct control_conn *conn, void *userdata);
	void *userdata;
	struct control_conn *prev, *next; /* of its owner's list, the oldest first */
};

/* Takes FD over, which is non-blocking and close-on-exec. NULL: no memory. ON_CLOSE is called before a connection is
 * freed, for whatever reason. */
struct control_conn *control_conn_new(struct operations *ops, int fd, const struct control_peer *peer,
				      void (*on_close)(struct control_conn *conn, void *userdata), void *userdata);
void control_conn_free(struct control_conn *conn);

/* Some job is done: sends its verdict if the client waits for this job. May free CONN. */
void control_conn_job_done(struct control_conn *conn);

#endif
