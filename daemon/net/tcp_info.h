/* SPDX-License-Identifier: MIT */
/* What the kernel knows of a TCP connection (TCP_INFO); -1 on other sockets. */
#ifndef PREFORKD_NET_TCP_INFO_H
#define PREFORKD_NET_TCP_INFO_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_traffic {	     /* of a connection */
	int64_t received_ms; /* since payload last came; since it was established, if none has */
	int64_t heard_ms;    /* since the peer last acknowledged anything, be it a probe */
	uint64_t in, out;    /* payload received, payload acknowledged by the peer */
	bool waiting;	     /* there is something that the peer has not acknowledged */
	bool peer_done;	     /* the peer has finished sending */
};

int tcp_info_traffic(int fd, struct tcp_traffic *out);

/* Payload that was written and that the peer has not acknowledged yet: with `out`, all that was written. */
uint64_t tcp_info_pending(int fd);

/*
 * Is it over in another way than by both having finished: reset, or given up by the kernel? A connection on which
 * our end has arrived at the peer is not lost, whatever came then.
 */
bool tcp_info_is_lost(int fd);

/*
 * Of a connection that was just accepted: for how long nothing has come from the client, and whether anything has
 * come at all, be it the end. Where nothing has, that is how long it has been there, the time in the queue included;
 * else it is less than that.
 */
int tcp_info_queued(int fd, int64_t *queued_ms_out, bool *heard_out);

#endif
