/* SPDX-License-Identifier: MIT */
/* Worker. Why a connection ended badly, for the log and for the service: sets conn->reason. */
#ifndef PREFORKD_SERVICES_CONN_SAY_H
#define PREFORKD_SERVICES_CONN_SAY_H

#include <stdbool.h>

struct preforkd_conn;

/* A limit or an order has cut it: "idle for 60s (timeouts.idle)". Changes nothing if neither has. */
void conn_say_cut(struct preforkd_conn *conn);

/* Has a limit or an order cut it? Then says so, and sets errno to ETIMEDOUT or ECANCELED. To be asked before a call on
 * the socket, and after one that failed or ended early. */
bool conn_say_if_cut(struct preforkd_conn *conn);

/* The kernel has ended it with the error CODE (0: unknown): "the client is gone (reset)". Sets conn->hung_up. */
void conn_say_lost(struct preforkd_conn *conn, int code);

/* It ended badly: gives a general reason if there is none yet. */
void conn_say_something(struct preforkd_conn *conn);

#endif
