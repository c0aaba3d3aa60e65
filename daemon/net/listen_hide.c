/* SPDX-License-Identifier: MIT */
#include "net/listen_hide.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>

#include "base/fds.h"

/* The kernel accepts any number, and numbers interfaces from 1 up. */
#define NO_INTERFACE INT_MAX

static int get_interface(int fd)
{
	socklen_t len = sizeof(int);
	int index = -1;

	return getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, &len) < 0 ? -1 : index;
}

static int set_interface(int fd, int index)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index));
}

int listen_hide(int fd)
{
	int index = get_interface(fd);

	if (index < 0)
		return -1;
	if (index == NO_INTERFACE)
		return 0;
	if (index > 0) {
		errno = EBUSY;
		return -1;
	}
	return set_interface(fd, NO_INTERFACE);
}

bool listen_hide_can_undo(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has;

	if (fd < 0)
		return false;
	has = set_interface(fd, NO_INTERFACE) == 0 && set_interface(fd, 0) == 0;
	fd_close(&fd);
	return has;
}

int listen_hide_undo(int fd)
{
	return get_interface(fd) == NO_INTERFACE ? set_interface(fd, 0) : 0;
}
