/* SPDX-License-Identifier: MIT */
/* Waiting for the next client: a plain blocking accept4(2), and an answer to each of its failures. */
#ifndef PREFORKD_WORKER_WAIT_H
#define PREFORKD_WORKER_WAIT_H

struct board_head;
struct sockaddr_any;

enum wait_result { WAIT_CLIENT, WAIT_LEAVE, WAIT_BROKEN };

/*
 * SERVICE is named in the log. WAIT_CLIENT: *fd_out (close-on-exec, blocking) and *peer_out are the next client's.
 * WAIT_LEAVE: the master wants this worker to leave. WAIT_BROKEN: the listener will not work again (errno).
 */
enum wait_result wait_client(int listener, struct board_head *head, const char *service, int *fd_out,
			     struct sockaddr_any *peer_out);

/* The same for a datagram, which is left where it is. */
enum wait_result wait_readable(int listener, struct board_head *head, const char *service);

/* The same for a datagram. */
struct datagram;
enum wait_result wait_datagram(int listener, struct board_head *head, const char *service, struct datagram *out);

#endif
