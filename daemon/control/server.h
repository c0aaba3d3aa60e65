/* SPDX-License-Identifier: MIT */
/*
 * Master. Serves the clients of the control socket (listeners/control_socket.h): one request and one reply for each
 * connection (net/frame.h), answered between two events of the loop. Nothing here waits for a client: a connection ends
 * when its request does not arrive, or its reply is not read, within CONTROL_CONN_MS. At SERVER_CLIENTS_MAX connections
 * a new client takes the place of the one that has been silent longest, of those that may not change anything if there
 * are any; they have at most SERVER_READERS_MAX places, so that a flood of them does not push out an order.
 */
#ifndef PREFORKD_CONTROL_SERVER_H
#define PREFORKD_CONTROL_SERVER_H

#define SERVER_CLIENTS_MAX 64
#define SERVER_READERS_MAX 48

struct err;
struct operations;

/* Opens the control socket as the configuration says, and serves it. -1 and *err: see control_socket_open(). */
int server_open(struct operations *ops, struct err *err);

/* Some job is done: the clients that wait for it get its verdict. */
void server_answer(struct operations *ops);

/* Closes all connections and the socket, and removes its path. */
void server_close(struct operations *ops);

#endif
