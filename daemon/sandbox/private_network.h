/* SPDX-License-Identifier: MIT */
/* Worker. A network of its own, in which there is nothing but a loopback interface (sandbox.private_network). */
#ifndef PREFORKD_SANDBOX_PRIVATE_NETWORK_H
#define PREFORKD_SANDBOX_PRIVATE_NETWORK_H

struct err;
struct sandbox;

/* Sockets that are open already stay in the network in which they were made: the listener and its connections, and the
 * socket for questions to the kernel (net/diag.h), which is opened for that. Unix sockets with a path can be reached
 * from every network. 0, or -1 and *err. */
int private_network_make(struct sandbox *sandbox, struct err *err);

#endif
