/* SPDX-License-Identifier: MIT */
#include "base/path_in_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fds.h"

static int find_name(int fd, char real[PATH_MAX])
{
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, real, PATH_MAX - 1);
	if (n >= 0)
		real[n] = '\0';
	return n < 0 ? -1 : 0;
}

int path_in_root(const char *root, const char *path, char real[PATH_MAX])
{
	const struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	int folder, fd, rc, saved;

	if (root == NULL)
		return realpath(path, real) != NULL ? 0 : -1;
	folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = folder >= 0 ? (int)syscall(SYS_openat2, folder, path, &how, sizeof(how)) : -1;
	rc = fd >= 0 ? find_name(fd, real) : -1;
	saved = errno;
	fd_close(&fd);
	fd_close(&folder);
	errno = saved;
	return rc;
}
