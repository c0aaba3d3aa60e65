/* SPDX-License-Identifier: MIT */
/* Worker. Serves one datagram that it has received: the gate, the answer. */
#ifndef PREFORKD_WORKER_DATAGRAMS_H
#define PREFORKD_WORKER_DATAGRAMS_H

#include <stdbool.h>

struct datagram;
struct gate;
struct preforkd_conn;

/* CONN represents the sender for the gate, the log and the counters; it has no descriptor. The answer is sent through
 * SOCKET and does not block. False: the datagram was refused, and is counted as refused. */
bool datagrams_serve(struct gate *gate, int socket, const struct datagram *datagram, struct preforkd_conn *conn);

#endif
