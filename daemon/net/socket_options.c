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

static int set_option(int fd, int level, int name, int64_t value, const char *what, struct err *err)
{
	int number = value > INT_MAX ? INT_MAX : (int)value;

	if (setsockopt(fd, level, name, &number, sizeof(number)) < 0)
		return err_sys(err, "cannot set %s to %d", what, number);
	return 0;
}

/* Asks for control messages with each datagram: its destination, which is the source of the answer, or the sending
 * process. */
static int set_datagram(int fd, int family, struct err *err)
{
	if (family == AF_UNIX)
		return set_option(fd, SOL_SOCKET, SO_PASSCRED, 1, "SO_PASSCRED", err);
	/* On every socket: one that is bound to a broadcast or multicast address would answer from another address. */
	if (family == AF_INET6 && set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO", err) < 0)
		return -1;
	/* On dual-stack sockets, too: only IP_PKTINFO reveals broadcasts. */
	return set_option(fd, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO", err);
}

int socket_options_before_bind(int fd, int family, const struct socket_options *o, struct err *err)
{
	if (family == AF_UNIX) /* the first datagram may come right after bind(2) */
		return socket_kind_is_datagram(fd) ? set_datagram(fd, family, err) : 0;
	/* Without it a restart fails until the TIME_WAIT of the last client is over. Datagram sockets have no
	 * TIME_WAIT, and with it any process could bind the same address. */
	if (!socket_kind_is_datagram(fd) && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR", err) < 0)
		return -1;
	if (o->reuse_port && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, "socket.reuse_port", err) < 0)
		return -1;
	if (o->freebind && set_option(fd, IPPROTO_IP, IP_FREEBIND, 1, "socket.freebind", err) < 0)
		return -1;
	if (o->device != NULL &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->device, (socklen_t)strlen(o->device)) < 0)
		return err_sys(err, "cannot bind to socket.device \"%s\"", o->device);
	return 0;
}

static int64_t to_seconds(int64_t ms)
{
	return (ms + 999) / 1000;
}

/*
 * A client that has vanished is given up after twice `keepalive`, or a minute after it if that is earlier; the system's
 * default (net.ipv4.tcp_keepalive_*) is eleven minutes. With a user_timeout the kernel ignores the number of probes.
 */
static int64_t get_probe_interval(int64_t keepalive)
{
	int64_t interval = to_seconds(keepalive / KEEPALIVE_PROBES);

	if (interval < 1)
		return 1;
	return interval > KEEPALIVE_INTERVAL_MAX ? KEEPALIVE_INTERVAL_MAX : interval;
}

/* The options that connections inherit. */
static int set_connection(int fd, const struct socket_options *o, struct err *err)
{
	if (set_option(fd, IPPROTO_TCP, TCP_NODELAY, o->nodelay, "socket.nodelay", err) < 0 ||
	    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, o->user_timeout, "socket.user_timeout", err) < 0 ||
	    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, o->keepalive > 0, "socket.keepalive", err) < 0)
		return -1;
	if (o->keepalive > 0 &&
	    (set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, to_seconds(o->keepalive), "socket.keepalive", err) < 0 ||
	     set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, get_probe_interval(o->keepalive), "socket.keepalive", err) <
		     0 ||
	     set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES, "socket.keepalive", err) < 0))
		return -1;
	return 0;
}

void socket_options_connected(int fd, const struct socket_options *o)
{
	(void)set_connection(fd, o, NULL); /* a listener has accepted the same options */
}

int socket_options_set(int fd, int family, const struct socket_options *o, struct err *err)
{
	/* Buffers before listen(2): they determine the first window of a connection (tcp(7)). */
	if (o->rcvbuf > 0 && set_option(fd, SOL_SOCKET, SO_RCVBUF, o->rcvbuf, "socket.rcvbuf", err) < 0)
		return -1;
	if (o->sndbuf > 0 && set_option(fd, SOL_SOCKET, SO_SNDBUF, o->sndbuf, "socket.sndbuf", err) < 0)
		return -1;
	if (socket_kind_is_datagram(fd))
		return set_datagram(fd, family, err);
	if (family == AF_UNIX)
		return 0;
	if (set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, to_seconds(o->defer_accept), "socket.defer_accept", err) < 0)
		return -1;
	return set_connection(fd, o, err);
}
