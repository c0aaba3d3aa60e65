/* SPDX-License-Identifier: MIT */
#include "net/linger.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fds.h"

/* Reads the bytes that have come. True if the peer has finished or is gone, or has sent more than LINGER_BYTES. */
static bool discard_input(int fd, int64_t *left)
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

void linger_close_within(int *fd, int ms, int listener)
{
	struct pollfd p[] = {
		{.fd = *fd, .events = POLLIN | POLLRDHUP},
		{.fd = listener, .events = POLLIN},
	};
	int64_t left = LINGER_BYTES, end;

	if (discard_input(*fd, &left) || shutdown(*fd, SHUT_WR) < 0) {
		fd_close(fd);
		return;
	}
	end = clock_ms() + ms;
	for (;;) {
		int64_t wait = end - clock_ms();

		if (wait <= 0)
			break;
		if (poll(p, 2, (int)wait) <= 0)
			continue;
		if ((p[0].revents != 0 && discard_input(*fd, &left)) || p[1].revents != 0)
			break;
	}
	fd_close(fd);
}

void linger_close(int *fd)
{
	linger_close_within(fd, LINGER_MS, -1);
}
