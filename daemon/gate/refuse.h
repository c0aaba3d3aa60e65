/* SPDX-License-Identifier: MIT */
/* Turning a client away: counted, remembered, told in the log, and the connection ended as the service says. */
#ifndef PREFORKD_GATE_REFUSE_H
#define PREFORKD_GATE_REFUSE_H

#include <stdbool.h>

#include "board/refusal.h"

struct gate;
struct preforkd_conn;

/* What a refused client may hold its worker for, so that it gets the banner. */
#define REFUSE_LINGER_MS 100

/* What comes of a refusal but for the connection and the log, whose the caller is. */
void gate_count(struct gate *gate, struct preforkd_conn *conn, enum refusal reason);

/* The same with a line in the log: of a datagram, which has no connection. */
void gate_turn_away(struct gate *gate, struct preforkd_conn *conn, enum refusal reason);

/* Ends CONN for REASON. LAST_IDLE: all other workers of the lane are busy; then it does not wait for the client while
 * others wait for a worker. */
void gate_refuse(struct gate *gate, struct preforkd_conn *conn, enum refusal reason, bool last_idle);

#endif
