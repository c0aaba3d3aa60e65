/* SPDX-License-Identifier: MIT */
#include "net/linger.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fds.h"
#include "net/tcp_info.h"

#define ROUND_BYTES   65536 /* between two looks at the time and at what the peer has taken */
#define LOOK_FIRST_MS 5	    /* between two looks at what the peer has taken; doubles */
#define LOOK_LAST_MS  100

/* Reads bytes that have come, up to ROUND_BYTES, and adds them to *TAKEN. True if the peer has finished or is gone. */
static bool discard_input(int fd, int64_t *taken)
{
	int64_t end = *taken + ROUND_BYTES;
	char buf[16384];
	ssize_t n;

	while (*taken < end) {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 0)
			return true;
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return errno != EAGAIN;
		}
		*taken += n;
	}
	return false;
}

void linger_deliver(int fd, void (*moved)(void))
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
	uint64_t pending, before = 0;
	int pause = LOOK_FIRST_MS;
	int64_t taken = 0;

	if (discard_input(fd, &taken) || shutdown(fd, SHUT_WR) < 0)
		return;
	while ((pending = tcp_info_pending(fd)) > 0) {
		int n;

		if (pending != before)
			moved();
		before = pending;
		n = poll(&p, 1, pause); /* no event tells that the peer has acknowledged something */
		if (n > 0 && discard_input(fd, &taken))
			return;
		if (n == 0 && pause < LOOK_LAST_MS)
			pause *= 2;
	}
}

void linger_close_within(int *fd, int ms, int listener)
{
	struct pollfd p[] = {
		{.fd = *fd, .events = POLLIN | POLLRDHUP},
		{.fd = listener, .events = POLLIN},
	};
	int64_t taken = 0, end;

	if (discard_input(*fd, &taken) || shutdown(*fd, SHUT_WR) < 0) {
		fd_close(fd);
		return;
	}
	end = clock_ms() + ms;
	while (taken < LINGER_BYTES) {
		int64_t wait = end - clock_ms();

		if (wait <= 0)
			break;
		if (poll(p, 2, (int)wait) <= 0)
			continue;
		if ((p[0].revents != 0 && discard_input(*fd, &taken)) || p[1].revents != 0)
			break;
	}
	fd_close(fd);
}

void linger_close(int *fd)
{
	linger_close_within(fd, LINGER_MS, -1);
}
