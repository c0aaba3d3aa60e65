/* SPDX-License-Identifier: MIT */
/*
 * One datagram and its answer. An answer comes from the address that was asked, also where the socket has a wildcard
 * for one (IP_PKTINFO, ip(7); RFC 3542 for IPv6).
 */
#ifndef PREFORKD_NET_DATAGRAM_H
#define PREFORKD_NET_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "net/addr.h"
#include "net/unix_peer.h"

#define DATAGRAM_MAX 65536 /* no UDP datagram is larger; those of a unix socket may be longer */

struct datagram {
	bool with_control; /* the socket tells more of each than its sender's address, and that has to be looked at */
	bool one_address;  /* it is bound to one, whatever that is */
	struct sockaddr_any peer;
	bool nameless;		 /* an unnamed unix socket, which cannot be answered */
	bool has_sender;	 /* of a unix socket with SO_PASSCRED: */
	struct unix_peer sender; /* the process, without its supplementary groups, which the kernel does not tell */
	bool cut;		 /* it had more than DATAGRAM_MAX bytes, and what it said is not known */
	bool to_many;		 /* it was sent to a broadcast or multicast address: an answer would multiply */
	size_t len;
	char control[64]; /* what the answer is to be sent with: where it is to come from */
	size_t control_len;
	char bytes[DATAGRAM_MAX];
};

/* Once, before the first one of the socket FD. */
void datagram_init(struct datagram *out, int fd);

/* Blocks until one has come, and returns its length; -1 with errno: EINVAL, the socket was shut down. */
ssize_t datagram_receive(int fd, struct datagram *out);

/* Sends LEN BYTES back to who sent TO. Never blocks: with no room for it the answer is lost, as datagrams are. -1 with
 * errno. */
int datagram_answer(int fd, const struct datagram *to, const void *bytes, size_t len);

#endif
