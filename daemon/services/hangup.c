/* SPDX-License-Identifier: MIT */
#include "services/hangup.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net/tcp_info.h"

#define LOOK_TCP_MS  1000 /* between two looks at a TCP socket that had an event */
#define LOOK_UNIX_MS 200  /* between two looks at a closed unix socket, which may have unread bytes */

void hangup_begin(struct hangup *hangup, int fd)
{
	*hangup = (struct hangup){.fd = fd};
}

static bool is_unix(int fd)
{
	int family = -1;
	socklen_t len = sizeof(family);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && family == AF_UNIX;
}

bool hangup_look(struct hangup *hangup, int64_t now)
{
	int unread = 0;

	if (!is_unix(hangup->fd)) {
		/* not lost means: both sides have finished sending, or it was an error that ends nothing. A reset may
		 * still come. */
		hangup->next_ms = now + LOOK_TCP_MS;
		return tcp_info_is_lost(hangup->fd);
	}
	if (ioctl(hangup->fd, FIONREAD, &unread) < 0 || unread > 0)
		hangup->quiet_ms = 0;
	else if (hangup->quiet_ms == 0)
		hangup->quiet_ms = now;
	if (hangup->quiet_ms != 0 && now >= hangup->quiet_ms + HANGUP_QUIET_MS)
		return true;
	hangup->next_ms = now + LOOK_UNIX_MS;
	return false;
}

int hangup_reason(int fd)
{
	int code = 0;
	socklen_t len = sizeof(code);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
		return 0;
	return code;
}
