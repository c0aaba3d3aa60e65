/* SPDX-License-Identifier: MIT */
#include "net/socket_options.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/addr.h"
#include "net/socket_kind.h"

#define KEEPALIVE_PROBES       4  /* unanswered ones */
#define KEEPALIVE_INTERVAL_MAX 15 /* seconds between them */

static int set(int fd, int level, int name, int64_t value, const char *what, struct err *err)
{
	int number = value > INT_MAX ? INT_MAX : (int)value;

	if (setsockopt(fd, level, name, &number, sizeof(number)) < 0)
		return err_sys(err, "cannot set %s to %d", what, number);
	return 0;
}

/* What comes with each datagram: the address that it was sent to, where the answer must come from, or who has sent it.
 */
static int socket_options_datagram(int fd, int family, struct err *err)
{
	if (family == AF_UNIX)
		return set(fd, SOL_SOCKET, SO_PASSCRED, 1, "SO_PASSCRED", err);
	/* of any socket: one that is bound to a broadcast or multicast address would answer from another */
	if (family == AF_INET6 && set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO", err) < 0)
		return -1;
	/* also of one for both families: that says more, what is a broadcast address */
	return set(fd, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO", err);
}

int socket_options_before_bind(int fd, int family, const struct socket_options *o, struct err *err)
{
	if (family == AF_UNIX) /* the first datagram may come as soon as there is a name */
		return socket_kind_is_datagram(fd) ? socket_options_datagram(fd, family, err) : 0;
	/* Or a restart would have to wait until the last client's TIME_WAIT is over. Datagrams have no such state, and
	 * there it would let anybody take the address beside us. */
	if (!socket_kind_is_datagram(fd) && set(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR", err) < 0)
		return -1;
	if (o->reuse_port && set(fd, SOL_SOCKET, SO_REUSEPORT, 1, "socket.reuse_port", err) < 0)
		return -1;
	if (o->freebind && set(fd, IPPROTO_IP, IP_FREEBIND, 1, "socket.freebind", err) < 0)
		return -1;
	if (o->device != NULL &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->device, (socklen_t)strlen(o->device)) < 0)
		return err_sys(err, "cannot bind to socket.device \"%s\"", o->device);
	return 0;
}

static int64_t seconds(int64_t ms)
{
	return (ms + 999) / 1000;
}

/*
 * A client that has vanished is given up after twice the silence, and no more than a minute after it: what the
 * system has for it (net.ipv4.tcp_keepalive_*) is eleven minutes. Where there is a user_timeout, that counts in place
 * of the number of probes.
 */
static int64_t probe_interval(int64_t keepalive)
{
	int64_t interval = seconds(keepalive / KEEPALIVE_PROBES);

	if (interval < 1)
		return 1;
	return interval > KEEPALIVE_INTERVAL_MAX ? KEEPALIVE_INTERVAL_MAX : interval;
}

/* How small packets go, and when a peer that says nothing is given up. */
static int set_connection(int fd, const struct socket_options *o, struct err *err)
{
	if (set(fd, IPPROTO_TCP, TCP_NODELAY, o->nodelay, "socket.nodelay", err) < 0 ||
	    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, o->user_timeout, "socket.user_timeout", err) < 0 ||
	    set(fd, SOL_SOCKET, SO_KEEPALIVE, o->keepalive > 0, "socket.keepalive", err) < 0)
		return -1;
	if (o->keepalive > 0 &&
	    (set(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds(o->keepalive), "socket.keepalive", err) < 0 ||
	     set(fd, IPPROTO_TCP, TCP_KEEPINTVL, probe_interval(o->keepalive), "socket.keepalive", err) < 0 ||
	     set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES, "socket.keepalive", err) < 0))
		return -1;
	return 0;
}

void socket_options_connected(int fd, const struct socket_options *o)
{
	(void)set_connection(fd, o, NULL); /* a listener has taken the same */
}

int socket_options_set(int fd, int family, const struct socket_options *o, struct err *err)
{
	/* buffers before listen(2): they decide the window that a connection starts with (tcp(7)) */
	if (o->rcvbuf > 0 && set(fd, SOL_SOCKET, SO_RCVBUF, o->rcvbuf, "socket.rcvbuf", err) < 0)
		return -1;
	if (o->sndbuf > 0 && set(fd, SOL_SOCKET, SO_SNDBUF, o->sndbuf, "socket.sndbuf", err) < 0)
		return -1;
	if (socket_kind_is_datagram(fd))
		return socket_options_datagram(fd, family, err);
	if (family == AF_UNIX)
		return 0;
	if (set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds(o->defer_accept), "socket.defer_accept", err) < 0)
		return -1;
	return set_connection(fd, o, err);
}
