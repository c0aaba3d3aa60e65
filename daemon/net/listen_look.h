/* SPDX-License-Identifier: MIT */
/* Any process. Looks whether clients still reach a listening socket: each process that has a copy of it may have shut
 * it down (shutdown(2)) or connected it (connect(2)), for all processes together. */
#ifndef PREFORKD_NET_LISTEN_LOOK_H
#define PREFORKD_NET_LISTEN_LOOK_H

enum listen_trouble {
	LISTEN_WELL,
	LISTEN_SHUT,	  /* it was shut down */
	LISTEN_CONNECTED, /* a datagram socket that receives from one peer only */
	LISTEN_NO_DEVICE, /* the interface that it is bound to is gone; one of the same name is another one */
	LISTEN_NO_PATH,	  /* the path of a unix socket was removed, or is another socket's */
};

/* The path of a unix socket is not looked at. FD listens, or is a bound datagram socket. A unix socket that
 * listen_quiesce_for_good() has shut counts as shut. */
enum listen_trouble listen_look(int fd);

/* Dissolves the connection of the datagram socket FD. It stays bound to its address and interface. 0, or -1 and errno.
 */
int listen_disconnect(int fd);

#endif
