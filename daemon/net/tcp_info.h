/* SPDX-License-Identifier: MIT */
/* What the kernel knows of a TCP connection (TCP_INFO); -1 on other sockets. */
#ifndef PREFORKD_NET_TCP_INFO_H
#define PREFORKD_NET_TCP_INFO_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_traffic { /* of a connection */
	int64_t silent_ms; /* since payload last went either way; keepalive does not count */
	uint64_t in, out;  /* payload received, payload acknowledged by the peer */
	bool peer_done;	   /* the peer has finished sending */
};

int tcp_info_traffic(int fd, struct tcp_traffic *out);

#endif
