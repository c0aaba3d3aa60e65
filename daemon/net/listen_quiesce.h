/* SPDX-License-Identifier: MIT */
/*
 * How a listener stops taking clients without losing one: those who are queued, and those whose
 * handshake is under way, still get in. The end of a listener is:
 *
 *	listen_quiesce_for_good() of all that go, then once listen_settle();
 *	serve, until not listen_handshakes(), or for LISTEN_HANDSHAKE_MS,
 *	and after that not listen_pending(); close.
 *
 * In this order: what leaves the handshake is in the queue before it is out of the handshake.
 * A socket for datagrams throws away what comes, and what is queued is served.
 *
 * Not for a socket that somebody else serves as well: all of this is of the socket, not of the
 * descriptor.
 */
#ifndef PREFORKD_NET_LISTEN_QUIESCE_H
#define PREFORKD_NET_LISTEN_QUIESCE_H

#include <stdint.h>

struct err;
struct sockaddr_any;

/*
 * How long a handshake is waited for. The kernel repeats its half after 1 s and after 3 s; a client
 * that has not answered by then is a port scanner, or gone. A handshake by SYN cookie (the kernel's
 * queue was full) is kept nowhere, so listen_handshakes() does not see it: its client gets in if it
 * comes before the close.
 */
#define LISTEN_HANDSHAKE_MS 3000

/*
 * No new clients from here on. 1: exactly that; 0: by the backlog only, which lets one in whenever
 * the queue is empty. TCP: a filter throws SYNs away (recent kernels want CAP_NET_ADMIN for it), so
 * that clients knock again after 1 s, and meet who listens here by then. ADDR is where FD listens.
 */
int listen_quiesce(int fd, const struct sockaddr_any *addr);

/*
 * The same, never undone, for a socket that is going to be closed; exact without a capability, too.
 * Clients whose SYN cannot be filtered away are refused. A unix socket's accept(2) fails with
 * EINVAL as soon as the queue is empty.
 */
int listen_quiesce_for_good(int fd, const struct sockaddr_any *addr);

/* Waits until no packet is on its way that was let through before listen_quiesce(): 8 to 20 ms,
 * for all listeners at once. */
void listen_settle(void);

/* Is a handshake with a client of this port under way, by somebody's listener? 1 yes, 0 no, -1 the
 * kernel does not tell. Looks at all connections of the host: 0.2 ms among 262144 slots. */
int listen_handshakes(const struct sockaddr_any *addr);

/*
 * Refuses TCP clients (a reset) for a while and keeps address, descriptor and inode. Serve who is
 * queued before. 1: with the queue left as it is, and the address taken (wants CAP_NET_RAW); 0: by
 * shutdown(2): who is queued is reset, who waits in accept(2) gets EINVAL, another process that
 * sets SO_REUSEADDR could take the address meanwhile, and a port that the kernel chose (port 0) is
 * lost; -1: not at all.
 */
int listen_refuse(int fd, const struct sockaddr_any *addr);

/* Undoes listen_quiesce() and listen_refuse(), as listen_start(). */
int listen_readmit(int fd, int64_t backlog, int64_t *got_out, struct err *err);

#endif
