/* SPDX-License-Identifier: MIT */
/* Worker. Refuses a client: counts it, remembers it, logs it, and ends the connection as access.refusal says. */
#ifndef PREFORKD_GATE_REFUSE_H
#define PREFORKD_GATE_REFUSE_H

#include <stdbool.h>

#include "board/refusal.h"

struct gate;
struct preforkd_conn;

/* How long the lingering close of a refused connection may take, so that the client gets the banner. */
#define REFUSE_LINGER_MS 100

/* Counts and remembers the refusal. The caller logs it and ends the connection. */
void refuse_count(struct gate *gate, struct preforkd_conn *conn, enum refusal reason);

/* The same, and logs it: for a datagram, which has no connection to end. */
void refuse_datagram(struct gate *gate, struct preforkd_conn *conn, enum refusal reason);

/* The same, logs it, and ends CONN. Blocks for REFUSE_LINGER_MS at most. LAST_IDLE: all other workers of the lane are
 * busy; then the wait ends as soon as another client is in the queue. */
void refuse_client(struct gate *gate, struct preforkd_conn *conn, enum refusal reason, bool last_idle);

#endif
