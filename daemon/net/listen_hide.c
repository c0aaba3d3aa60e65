/* SPDX-License-Identifier: MIT */
#include "net/listen_hide.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>

#include "base/fds.h"

/* The kernel takes any number, and gives interfaces numbers from 1 up. */
#define NOWHERE INT_MAX

static int get(int fd)
{
	socklen_t len = sizeof(int);
	int index = -1;

	return getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, &len) < 0 ? -1 : index;
}

static int set(int fd, int index)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index));
}

int listen_hide(int fd)
{
	int index = get(fd);

	if (index < 0)
		return -1;
	if (index == NOWHERE)
		return 0;
	if (index > 0) {
		errno = EBUSY;
		return -1;
	}
	return set(fd, NOWHERE);
}

bool listen_hide_can_undo(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has;

	if (fd < 0)
		return false;
	has = set(fd, NOWHERE) == 0 && set(fd, 0) == 0;
	fd_close(&fd);
	return has;
}

int listen_hide_undo(int fd)
{
	return get(fd) == NOWHERE ? set(fd, 0) : 0;
}
