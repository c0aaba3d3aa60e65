/* SPDX-License-Identifier: MIT */
/* One datagram that a worker has received: let in, answered. */
#ifndef PREFORKD_WORKER_DATAGRAMS_H
#define PREFORKD_WORKER_DATAGRAMS_H

#include <stdbool.h>

struct datagram;
struct gate;
struct preforkd_conn;

/* CONN stands for its sender, as far as that counts for the gate, the log and the counters; it has no descriptor.
 * False: it was turned away, and is counted as refused. */
bool datagrams_serve(struct gate *gate, int socket, const struct datagram *datagram, struct preforkd_conn *conn);

#endif
