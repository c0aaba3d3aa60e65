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

/* A path, or with a leading @ an abstract name (systemd.exec(5)). 0: none that we know. */
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

static bool deliver(int fd, const char *text, bool patient)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	for (;;) {
		if (send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return true;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN || !patient || poll(&p, 1, NOTIFY_PATIENCE_MS) != 1)
			return false;
		patient = false;
	}
}

void notify_send(const char *fmt, ...)
{
	static bool stalled;
	struct sockaddr_un un;
	socklen_t len = find_socket(&un);
	char text[1024];
	va_list ap;
	int fd;

	if (len == 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&un, len) == 0)
		stalled = !deliver(fd, text, !stalled);
	fd_close(&fd);
}
