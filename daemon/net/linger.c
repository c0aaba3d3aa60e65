/* SPDX-License-Identifier: MIT */
#include "net/linger.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fds.h"

/* Reads what is there. True when the peer is done or gone, or has sent more than it may. */
static bool discard(int fd, int64_t *left)
{
	char buf[4096];
	ssize_t n;

	for (;;) {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 0)
			return true;
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return errno != EAGAIN;
		}
		*left -= n;
		if (*left <= 0)
			return true;
	}
}

void linger_close(int *fd)
{
	struct pollfd p = {.fd = *fd, .events = POLLIN | POLLRDHUP};
	int64_t left = LINGER_BYTES, end;

	if (discard(*fd, &left) || shutdown(*fd, SHUT_WR) < 0) {
		fd_close(fd);
		return;
	}
	end = clock_ms() + LINGER_MS;
	for (;;) {
		int64_t wait = end - clock_ms();

		if (wait <= 0)
			break;
		if (poll(&p, 1, (int)wait) > 0 && discard(*fd, &left))
			break;
	}
	fd_close(fd);
}
