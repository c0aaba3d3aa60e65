/* SPDX-License-Identifier: MIT */
/*
 * Worker. One datagram and its answer. The answer is sent from the address that the datagram was sent to, also on a
 * socket with a wildcard address (IP_PKTINFO, ip(7); RFC 3542 for IPv6).
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
	int socket;	   /* a descriptor that no signal handler replaces */
	bool with_control; /* datagrams have control messages that must be read */
	bool one_address;  /* the socket is bound to one address, not to a wildcard */
	struct sockaddr_any peer;
	bool nameless;		 /* the peer is an unnamed unix socket, which cannot be answered */
	bool has_sender;	 /* `sender` is valid: a unix socket with SO_PASSCRED */
	struct unix_peer sender; /* the sending process; the kernel does not tell its supplementary groups */
	bool cut;		 /* it had more than DATAGRAM_MAX bytes; the rest is lost */
	bool to_many; /* it was sent to a broadcast or multicast address: answers of many hosts would be a flood */
	size_t len;
	char control[64]; /* control message for the answer: its source address */
	size_t control_len;
	char bytes[DATAGRAM_MAX];
};

/* Call once, before the first datagram of the socket FD, which stays open. */
void datagram_init(struct datagram *out, int fd);

/* Blocks until a datagram has come and returns its length; -1 with errno; EINVAL: the socket was shut down. FD is the
 * socket of datagram_init(), or a copy that a signal handler may replace at any moment. */
ssize_t datagram_receive(int fd, struct datagram *out);

/* Sends LEN BYTES to the sender of TO. Never blocks: without room in the socket's buffer the answer is lost. -1 with
 * errno. */
int datagram_answer(int fd, const struct datagram *to, const void *bytes, size_t len);

#endif
