/* SPDX-License-Identifier: MIT */
#include "base/fds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/err.h"

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd); /* Linux frees the descriptor even if close(2) fails */
	*fd = -1;
	errno = saved;
}

int fd_above_stdio(int fd, struct err *err)
{
	int moved;

	if (fd > 2)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (moved < 0)
		(void)err_sys(err, "cannot move descriptor %d", fd);
	fd_close(&fd);
	return moved;
}

int fd_dead(struct err *err)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "cannot open /dev/null");
	return fd_above_stdio(fd, err);
}

int fds_fill_stdio(struct err *err)
{
	for (;;) {
		int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (fd < 0)
			return err_sys(err, "cannot open /dev/null");
		if (fd > 2) {
			fd_close(&fd);
			return 0;
		}
		/* It stays open, and survives an exec as standard descriptors do. */
		(void)fcntl(fd, F_SETFD, 0);
	}
}

int fd_null(int fd, struct err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_sys(err, "cannot open /dev/null");
	if (null == fd)
		return fcntl(fd, F_SETFD, 0) < 0 ? err_sys(err, "cannot keep /dev/null") : 0;
	if (dup2(null, fd) < 0) {
		(void)err_sys(err, "cannot put /dev/null on descriptor %d", fd);
		fd_close(&null);
		return -1;
	}
	fd_close(&null);
	return 0;
}

static int compare_fds(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* One by one, as /proc lists them. Only system calls, because it may run in a child that shares its parent's memory. */
static int close_listed(unsigned first, unsigned last)
{
	int folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	union {
		struct dirent64 entry; /* for its alignment */
		char bytes[2048];
	} list;
	long n;

	if (folder < 0)
		return -1;
	while ((n = syscall(SYS_getdents64, folder, &list, sizeof(list))) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent64 *entry = (const void *)(list.bytes + at);
			unsigned long fd = strtoul(entry->d_name, NULL, 10);

			if (entry->d_name[0] != '.' && fd >= first && fd <= last && fd != (unsigned long)folder)
				(void)close((int)fd);
			at += entry->d_reclen;
		}
	}
	fd_close(&folder);
	return n < 0 ? -1 : 0;
}

static int close_between(unsigned first, unsigned last)
{
	/* Some containers refuse close_range(2). */
	return close_range(first, last, 0) == 0 ? 0 : close_listed(first, last);
}

int fds_close_from(int first)
{
	return close_between((unsigned)first, ~0U);
}

int fds_close_except(int *keep, size_t n)
{
	unsigned first = 3;

	if (n > 1) /* one descriptor: also in a child that shares its parent's memory */
		qsort(keep, n, sizeof(*keep), compare_fds);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < (int)first)
			continue;
		if (keep[i] > (int)first && close_between(first, (unsigned)keep[i] - 1) < 0)
			return -1;
		first = (unsigned)keep[i] + 1;
	}
	return close_between(first, ~0U);
}

void fds_close_received(const struct cmsghdr *cmsg)
{
	if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
		return;
	for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= cmsg->cmsg_len; at += sizeof(int)) {
		int fd;

		memcpy(&fd, CMSG_DATA(cmsg) + at, sizeof(fd));
		fd_close(&fd);
	}
}

void fds_drop_quickly(bool on)
{
	const struct timeval period = {.tv_usec = on ? 1000 : 0};
	const struct itimerval timer = {.it_interval = period, .it_value = period};
	int saved = errno;

	(void)setitimer(ITIMER_REAL, &timer, NULL);
	errno = saved;
}
