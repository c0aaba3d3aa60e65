/* SPDX-License-Identifier: MIT */
#include "base/log_sink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fds.h"

static void connect_to(struct log_sink *sink)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(sink->path) >= sizeof(un.sun_path))
		return;
	memcpy(un.sun_path, sink->path, strlen(sink->path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	fd = fd_above_stdio(fd, NULL);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		fd_close(&fd);
	sink->fd = fd;
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
