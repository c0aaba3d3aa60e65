/* SPDX-License-Identifier: MIT */
/* Master. Changes options of a listener in use. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fds.h"
#include "net/socket_kind.h"
#include "net/socket_options.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

/* A buffer size that was set is locked: the kernel does not adjust it any more. */
struct buffer {
	int option;
	int lock; /* in SO_BUF_LOCK (linux/socket.h) */
	const char *name;
};

static const struct buffer receiving = {SO_RCVBUF, 2, "socket.rcvbuf"};
static const struct buffer sending = {SO_SNDBUF, 1, "socket.sndbuf"};

/* The size that the kernel gives a new socket of FAMILY in this network namespace; -1: not known. */
static int get_default_size(int family, int type, int option)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);
	int size = -1;
	socklen_t len = sizeof(size);

	if (fd < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, option, &size, &len) < 0)
		size = -1;
	fd_close(&fd);
	return size;
}

/* Sets a buffer back to the default size and unlocks it, so that the kernel adjusts it again. */
static int release_buffer(int fd, int family, const struct buffer *buffer, struct err *err)
{
	int locks, size;
	socklen_t len = sizeof(locks);

	/* Read first: without SO_BUF_LOCK nothing is changed. */
	if (getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &locks, &len) < 0) {
		if (errno != ENOPROTOOPT)
			return err_sys(err, "cannot set %s back", buffer->name);
		return err_set(err, "%s: only a restart sets it back with this kernel (Linux >= 5.14 can)",
			       buffer->name);
	}
	size = get_default_size(family, socket_kind_is_datagram(fd) ? SOCK_DGRAM : SOCK_STREAM, buffer->option);
	if (size < 0)
		return err_sys(err, "cannot set %s back", buffer->name);
	size /= 2; /* the kernel doubles the value that is set (socket(7)) */
	/* First the size, because setting it locks it. */
	locks &= ~buffer->lock;
	if (setsockopt(fd, SOL_SOCKET, buffer->option, &size, sizeof(size)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &locks, sizeof(locks)) < 0)
		return err_sys(err, "cannot set %s back", buffer->name);
	return 0;
}

static int change_device(int fd, const char *from, const char *to, struct err *err)
{
	from = from != NULL ? from : "";
	to = to != NULL ? to : "";
	if (strcmp(from, to) == 0)
		return 0;
	/* The first device needs no capability (Linux >= 5.7); a change or removal needs CAP_NET_RAW. */
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, to, (socklen_t)strlen(to)) < 0)
		return err_sys(err, "cannot change socket.device from \"%s\" to \"%s\"", from, to);
	return 0;
}

static int change_flag(int fd, int level, int name, bool from, bool to, const char *what, struct err *err)
{
	int value = to;

	if (from == to || setsockopt(fd, level, name, &value, sizeof(value)) == 0)
		return 0;
	return err_sys(err, "cannot set %s to %d", what, value);
}

int socket_options_change(int fd, int family, const struct socket_options *from, const struct socket_options *to,
			  struct err *err)
{
	if (from->rcvbuf > 0 && to->rcvbuf == 0 && release_buffer(fd, family, &receiving, err) < 0)
		return -1;
	if (from->sndbuf > 0 && to->sndbuf == 0 && release_buffer(fd, family, &sending, err) < 0)
		return -1;
	if (family != AF_UNIX &&
	    (change_device(fd, from->device, to->device, err) < 0 ||
	     change_flag(fd, SOL_SOCKET, SO_REUSEPORT, from->reuse_port, to->reuse_port, "socket.reuse_port", err) <
		     0 ||
	     change_flag(fd, IPPROTO_IP, IP_FREEBIND, from->freebind, to->freebind, "socket.freebind", err) < 0))
		return -1;
	return socket_options_set(fd, family, to, err);
}

int socket_options_try(int family, const struct socket_options *from, const struct socket_options *options,
		       struct err *err)
{
	const struct socket_options *first = from != NULL ? from : options;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return err_sys(err, "cannot create a socket");
	rc = socket_options_before_bind(fd, family, first, err);
	if (rc == 0)
		rc = socket_options_set(fd, family, first, err);
	if (rc == 0 && from != NULL)
		rc = socket_options_change(fd, family, from, options, err);
	fd_close(&fd);
	return rc;
}
