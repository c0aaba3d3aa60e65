/* SPDX-License-Identifier: MIT */
/* Worker. Waits for the next client: a blocking accept4(2), and what to do about each of its failures. */
#ifndef PREFORKD_WORKER_WAIT_H
#define PREFORKD_WORKER_WAIT_H

struct board_head;
struct sockaddr_any;

enum wait_result { WAIT_CLIENT, WAIT_LEAVE, WAIT_BROKEN };

/*
 * Blocks until there is a client, or an order to leave. SERVICE is for the log.
 * WAIT_CLIENT: *FD_OUT (close-on-exec, blocking, the caller's) and *PEER_OUT are those of the next client.
 * WAIT_LEAVE: the worker has been ordered to leave.
 * WAIT_BROKEN: the listener will not work again; errno says why.
 */
enum wait_result wait_client(int listener, struct board_head *head, const char *service, int *fd_out,
			     struct sockaddr_any *peer_out);

/* The same for a datagram, which stays in the socket. */
enum wait_result wait_readable(int listener, struct board_head *head, const char *service);

/* The same for a datagram, which is received into *OUT. */
struct datagram;
enum wait_result wait_datagram(int listener, struct board_head *head, const char *service, struct datagram *out);

#endif
