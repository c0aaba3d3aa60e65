/* SPDX-License-Identifier: MIT */
/*
 * Master. Stops a listener without losing a client: clients in the queue and in a handshake are still served. The end
 *of a listener is:
 *
 *	listen_quiesce_for_good() for each listener that ends, then listen_settle() once;
 *	serve until there are no listen_handshakes(), LISTEN_HANDSHAKE_MS at most,
 *	then until not listen_pending(); close.
 *
 * This order matters: a connection is in the queue before it leaves the handshake. A socket for datagrams drops new
 * datagrams; those in its queue are served.
 *
 * Not for a socket that another process serves, too: the functions change the socket, not the descriptor.
 */
#ifndef PREFORKD_NET_LISTEN_QUIESCE_H
#define PREFORKD_NET_LISTEN_QUIESCE_H

#include <stdint.h>

struct err;
struct sockaddr_any;

/*
 * The time limit for handshakes. The kernel repeats its part after 1 s and after 3 s; a client without an answer by
 * then is gone, or a port scanner. The kernel does not store a handshake by SYN cookie (after an overflow), so
 * listen_handshakes() does not see it: its client is served only if it comes before the close.
 */
#define LISTEN_HANDSHAKE_MS 3000

/*
 * Stops new clients. 1: exactly; 0: by the backlog only, which lets one client in whenever the queue is empty; -1 with
 * errno. TCP: a filter drops SYNs (recent kernels require CAP_NET_ADMIN), so clients try again after 1 s and get to the
 * process that listens then. ADDR is the address of FD.
 */
int listen_quiesce(int fd, const struct sockaddr_any *addr);

/*
 * The same for a socket that will be closed: cannot be undone, and is exact without a capability, too. Clients whose
 * SYN cannot be filtered are refused. On a unix socket accept(2) fails with EINVAL as soon as the queue is empty.
 */
int listen_quiesce_for_good(int fd, const struct sockaddr_any *addr);

/* Blocks until the kernel has handled the packets that passed before listen_quiesce(): 8 to 20 ms, for all listeners at
 * once. */
void listen_settle(void);

/* 1: a handshake with a client at this port is under way, with any listener; 0: none; -1: not known. The kernel
 * searches all connections of the host: 0.2 ms among 262144 slots. */
int listen_handshakes(const struct sockaddr_any *addr);

/*
 * Refuses TCP clients (with a reset) for a while and keeps address, descriptor and inode. Serve the clients in the
 * queue before. 1: the queue stays and the address stays taken (requires CAP_NET_RAW); 0: by shutdown(2): clients in
 * the queue are reset, accept(2) fails with EINVAL, another process with SO_REUSEADDR could take the address, and a
 * port that the kernel chose (port 0) is lost; -1 with errno: not at all.
 */
int listen_refuse(int fd, const struct sockaddr_any *addr);

/* Undoes listen_quiesce() and listen_refuse(); arguments as of listen_start(). */
int listen_readmit(int fd, int64_t backlog, int64_t *got_out, struct err *err);

#endif
