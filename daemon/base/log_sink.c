/* SPDX-License-Identifier: MIT */
#include "base/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fds.h"

static int connect_path(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(un.sun_path))
		return -1;
	memcpy(un.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	fd = fd_above_stdio(fd, NULL);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		fd_close(&fd);
	return fd;
}

/* There is no connectat(2). Other threads keep their working folder: this one stops sharing it. */
static int connect_in(int folder, const char *name)
{
	int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;

	if (before >= 0 && unshare(CLONE_FS) == 0 && fchdir(folder) == 0) {
		fd = connect_path(name);
		(void)!fchdir(before);
	}
	fd_close(&before);
	return fd;
}

static void connect_to(struct log_sink *sink)
{
	sink->fd = sink->folder > 0 ? connect_in(sink->folder, sink->name) : connect_path(sink->path);
}

void log_sink_keep(struct log_sink *sink, bool apart)
{
	char real[PATH_MAX], *slash;
	int folder;

	if (sink->path == NULL)
		return;
	if (sink->fd < 0)
		connect_to(sink);
	/* The path may be a link, which would lead elsewhere. A socket that is not there yet is where its path says. */
	if (realpath(sink->path, real) == NULL)
		(void)snprintf(real, sizeof(real), "%s", sink->path);
	slash = strrchr(real, '/');
	(void)snprintf(sink->name, sizeof(sink->name), "%s", slash + 1);
	*slash = '\0';
	folder = apart ? open_tree(AT_FDCWD, real, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
		       : open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
	sink->folder = folder < 0 ? 0 : fd_above_stdio(folder, NULL);
}

void log_sink_open(struct log_sink *sink, const char *path)
{
	if (sink->path != NULL)
		fd_close(&sink->fd);
	sink->path = path;
	sink->stalled = false;
	sink->fd = path == NULL ? STDERR_FILENO : -1;
	if (path != NULL)
		connect_to(sink);
}

void log_sink_forget(struct log_sink *sink)
{
	if (sink->path != NULL)
		fd_close(&sink->fd);
	sink->stalled = false;
}

static bool wait_writable(struct log_sink *sink)
{
	struct pollfd p = {.fd = sink->fd, .events = POLLOUT};
	int n;

	n = poll(&p, 1, sink->stalled ? 0 : LOG_SINK_PATIENCE_MS);
	return n == 1 && (p.revents & POLLOUT) != 0;
}

/* The descriptor may be blocking and shared with other processes (a terminal, a pipe), so poll(2) first. A writable
 * pipe has room for PIPE_BUF bytes, and a line is shorter. */
static bool write_stderr(struct log_sink *sink, const struct iovec *iov, int n)
{
	bool taken = wait_writable(sink) && writev(sink->fd, iov, n) > 0;

	sink->stalled = !taken;
	return taken;
}

bool log_sink_send(struct log_sink *sink, const struct iovec *iov, int n)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};
	bool fresh = false;

	if (sink->path == NULL)
		return write_stderr(sink, iov, n);
	for (;;) {
		if (sink->fd < 0) {
			connect_to(sink);
			fresh = true;
			if (sink->fd < 0)
				return false;
		}
		if (sendmsg(sink->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
			sink->stalled = false;
			return true;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS) {
			if (sink->stalled || !wait_writable(sink)) {
				sink->stalled = true;
				return false;
			}
			sink->stalled = true; /* one more try, no more waiting */
			continue;
		}
		/* ECONNREFUSED, ENOTCONN, EPIPE ...: the reader was restarted */
		fd_close(&sink->fd);
		if (fresh)
			return false;
	}
}
