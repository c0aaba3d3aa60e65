/* SPDX-License-Identifier: MIT */
#include "datagrams.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"

#define BUFFER_SIZE 65536
#define PAYLOAD_MAX 65507 /* of UDP over IPv4 */

static unsigned char buffer[BUFFER_SIZE];

/* 1, 0 at the end of the input, or -1. */
static int send_datagram(int in, int sock, struct err *err)
{
	ssize_t n = read(in, buffer, PAYLOAD_MAX);
	struct pollfd pfd = {.fd = sock, .events = POLLOUT};

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : err_sys(err, "reading standard input");
	if (n == 0)
		return 0;
	while (send(sock, buffer, (size_t)n, MSG_NOSIGNAL) < 0) {
		/* EAGAIN: the queue of a unix peer is full. Wait, as a blocking send(2) would. */
		if (errno == EAGAIN)
			(void)poll(&pfd, 1, 10);
		else if (errno == ECONNREFUSED)
			return err_sys(err, "the server takes no datagrams there");
		else if (errno != EINTR)
			return err_sys(err, "sending to the server");
	}
	return 1;
}

static int write_all(int out, size_t size, struct err *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = write(out, buffer + done, size - done);

		if (n < 0 && errno != EINTR)
			return err_sys(err, "writing to standard output");
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

static int receive_datagram(int out, int sock, struct err *err)
{
	ssize_t n = recv(sock, buffer, sizeof(buffer), 0);

	if (n >= 0)
		return write_all(out, (size_t)n, err);
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	if (errno == ECONNREFUSED)
		return err_sys(err, "the server takes no datagrams there");
	return err_sys(err, "receiving from the server");
}

static int get_timeout(bool ended, int64_t idle_ms)
{
	if (idle_ms == 0)
		return ended ? DATAGRAMS_PATIENCE_MS : -1;
	return idle_ms < INT_MAX ? (int)idle_ms : INT_MAX;
}

int datagrams_run(int in, int out, int sock, int64_t idle_ms, struct err *err)
{
	bool ended = false;

	for (;;) {
		struct pollfd pfds[2] = {{.fd = ended ? -1 : in, .events = POLLIN}, {.fd = sock, .events = POLLIN}};
		int n = poll(pfds, 2, get_timeout(ended, idle_ms));

		if (n < 0 && errno != EINTR)
			return err_sys(err, "waiting for the server");
		if (n == 0)
			return 0;
		if (n < 0)
			continue;
		if (pfds[1].revents != 0 && receive_datagram(out, sock, err) < 0)
			return -1;
		if (pfds[0].revents != 0) {
			int rc = send_datagram(in, sock, err);

			if (rc < 0)
				return -1;
			ended = rc == 0;
		}
	}
}
