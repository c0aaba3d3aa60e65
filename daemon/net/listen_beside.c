/* SPDX-License-Identifier: MIT */
#include "net/listen_beside.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/listen_hide.h"
#include "net/listen_quiesce.h"
#include "net/socket_options.h"

static int set_reuse_port(int fd, bool on)
{
	int value = on;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof(value));
}

int listen_beside_bind(int old_fd, const struct sockaddr_any *addr, bool dual, const struct socket_options *options,
		       struct err *err)
{
	struct socket_options shared = *options;
	struct listen_path unused;
	int had = 0, fd;
	socklen_t len = sizeof(had);

	if (addr->sa.sa_family == AF_UNIX)
		return err_code(err, EAFNOSUPPORT, "cannot bind beside a unix socket");
	/* SO_REUSEPORT may be set on a socket that listens: the next bind(2) looks at it. */
	if (getsockopt(old_fd, SOL_SOCKET, SO_REUSEPORT, &had, &len) < 0 || set_reuse_port(old_fd, true) < 0)
		return err_sys(err, "cannot share the address of a listener");
	shared.reuse_port = true;
	fd = listen_bind(addr, SOCK_STREAM, dual, &shared, &unused, err);
	if (fd < 0)
		listen_unshare(old_fd, had != 0);
	return fd;
}

void listen_unshare(int fd, bool reuse_port)
{
	(void)set_reuse_port(fd, reuse_port);
}

int listen_steer(int new_fd, int old_fd, const struct sockaddr_any *old_addr)
{
	/* Before the old listener is hidden: as long as the two are a group for the kernel, it chooses one by a hash
	 * and does not see that the old one is unreachable. The new one needed SO_REUSEPORT until listen(2). */
	if (set_reuse_port(new_fd, false) < 0 || set_reuse_port(old_fd, false) < 0)
		return -1;
	if (listen_hide(old_fd) == 0)
		return 1;
	/* It is bound to a device. Its clients repeat their SYNs until it is closed, and then find the new one. */
	return listen_quiesce_for_good(old_fd, old_addr);
}
