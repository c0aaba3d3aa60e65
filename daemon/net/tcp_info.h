/* SPDX-License-Identifier: MIT */
/* Worker. State and counters of a TCP connection (TCP_INFO). The functions that return int return -1 for other sockets.
 */
#ifndef PREFORKD_NET_TCP_INFO_H
#define PREFORKD_NET_TCP_INFO_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_traffic {
	int64_t received_ms; /* ms since the last payload; if there was none, since the connection was established */
	int64_t heard_ms;    /* ms since the last acknowledgement of the peer, also of a probe */
	uint64_t in, out;    /* payload received, payload acknowledged by the peer */
	bool waiting;	     /* some sent bytes are not acknowledged */
	bool peer_done;	     /* the peer has finished sending */
};

int tcp_info_traffic(int fd, struct tcp_traffic *out);

/* Bytes that were written but not acknowledged. `out` plus this is all that was written. */
uint64_t tcp_info_pending(int fd);

/*
 * True if the connection was reset, or the kernel has given it up. Not if the peer has acknowledged our end, whatever
 * came afterwards.
 */
bool tcp_info_is_lost(int fd);

/*
 * For a connection that was just accepted. *heard_out: the client has sent bytes or its end. *queued_ms_out: ms since
 * the last bytes; if there were none, since the connection was established, including the time in the queue.
 */
int tcp_info_queued(int fd, int64_t *queued_ms_out, bool *heard_out);

#endif
