/* SPDX-License-Identifier: MIT */
/* One connection to the control socket: a request is read, answered, and the reply written, without ever blocking. */
#ifndef PREFORKD_CONTROL_CONN_H
#define PREFORKD_CONTROL_CONN_H

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "control/peer.h"

struct master;

struct control_conn {
	struct master *master;
	int fd;
	sd_event_source *io, *timer;
	struct control_peer peer;
	unsigned char *data; /* the request as far as it has come; then the reply */
	size_t have, room;   /* of the request */
	size_t len, at;	     /* of the reply: its length, and what is written of it; len 0: not yet */
	unsigned job;	     /* whose verdict is waited for; 0: none */
	void (*on_close)(struct control_conn *conn, void *userdata);
	void *userdata;
	struct control_conn *prev, *next; /* of its owner's list, the oldest first */
};

/* Takes FD over, non-blocking, close-on-exec. NULL: no memory. ON_CLOSE is called before it is freed. */
struct control_conn *control_conn_new(struct master *master, int fd, const struct control_peer *peer,
				      void (*on_close)(struct control_conn *conn, void *userdata), void *userdata);
void control_conn_free(struct control_conn *conn);

/* Some job is done: was it this one's? May free it. */
void control_conn_job_done(struct control_conn *conn);

#endif
