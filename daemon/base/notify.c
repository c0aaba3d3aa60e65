/* SPDX-License-Identifier: MIT */
#include "base/notify.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fds.h"

/* NOTIFY_SOCKET is a path, or an abstract name with a leading @ (systemd.exec(5)). Returns the length; 0: none. */
static socklen_t find_socket(struct sockaddr_un *un)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;

	if (len < 2 || len >= sizeof(un->sun_path) || (path[0] != '/' && path[0] != '@'))
		return 0;
	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(un->sun_path, path, len);
	if (path[0] == '@')
		un->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static bool deliver_text(int socket, const char *text, int fd, bool patient)
{
	struct pollfd p = {.fd = socket, .events = POLLOUT};
	struct iovec iov = {.iov_base = (char *)text, .iov_len = strlen(text)};
	union { /* aligned for its header */
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		control.head = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(sizeof(int)),
		};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	for (;;) {
		if (sendmsg(socket, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return true;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN || !patient || poll(&p, 1, NOTIFY_PATIENCE_MS) != 1)
			return false;
		patient = false;
	}
}

__attribute__((format(printf, 2, 0))) static void send_text(int fd, const char *fmt, va_list ap)
{
	static bool stalled;
	struct sockaddr_un un;
	socklen_t len = find_socket(&un);
	char text[1024];
	int socket_fd;

	if (len == 0)
		return;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (socket_fd < 0)
		return;
	if (connect(socket_fd, (struct sockaddr *)&un, len) == 0)
		stalled = !deliver_text(socket_fd, text, fd, !stalled);
	fd_close(&socket_fd);
}

void notify_send(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	send_text(-1, fmt, ap);
	va_end(ap);
}

void notify_send_fd(int fd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	send_text(fd, fmt, ap);
	va_end(ap);
}

bool notify_is_heard(void)
{
	struct sockaddr_un un;

	return find_socket(&un) != 0;
}
