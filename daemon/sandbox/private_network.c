/* SPDX-License-Identifier: MIT */
#include "sandbox/private_network.h"

#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "net/diag.h"
#include "sandbox/state.h"

static int start_loopback(struct err *err)
{
	struct ifreq lo = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* a kernel without IPv4 */
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &lo) < 0)
		rc = err_sys(err, "cannot look at the loopback interface of a new network");
	if (rc == 0 && (lo.ifr_flags & IFF_UP) == 0) {
		lo.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
			rc = err_sys(err, "cannot start the loopback interface of a new network (CAP_NET_ADMIN)");
	}
	fd_close(&fd);
	return rc;
}

int private_network_make(struct sandbox *sandbox, struct err *err)
{
	(void)sandbox;
	diag_prepare();
	if (unshare(CLONE_NEWNET) < 0)
		return err_sys(err, "cannot make a network namespace");
	return start_loopback(err);
}
