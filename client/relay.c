/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/parse.h"

#define BUFFER_SIZE 65536

/* One direction. Bytes [start, end) of data wait to be written. */
struct pump {
	int from, to; /* -1 once that side has ended */
	size_t start, end;
	size_t write_max;      /* bytes that one write(2) takes without blocking */
	const char *from_name; /* for messages */
	const char *to_name;
	unsigned long long moved; /* bytes read */
	char data[BUFFER_SIZE];
};

/*
 * A pipe that poll(2) calls writable takes at least PIPE_BUF bytes; a larger write(2) could block and stop the other
 * direction, too. A file is always writable.
 */
static size_t get_write_max(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		return BUFFER_SIZE;
	return PIPE_BUF;
}

static bool is_waiting(const struct pump *pump)
{
	return pump->end > pump->start;
}

static bool is_done(const struct pump *pump)
{
	return pump->from < 0 && !is_waiting(pump);
}

static int fill_pump(struct pump *pump, struct err *err)
{
	ssize_t n = read(pump->from, pump->data, sizeof(pump->data));

	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return 0;
		if (errno == ECONNRESET)
			return err_sys(err, "%s has cut the connection after %llu bytes", pump->from_name, pump->moved);
		return err_sys(err, "reading from %s", pump->from_name);
	}
	pump->start = 0;
	pump->end = (size_t)n;
	pump->moved += (size_t)n;
	if (n == 0)
		pump->from = -1;
	return 0;
}

static int drain_pump(struct pump *pump, bool to_socket, struct err *err)
{
	size_t size = pump->end - pump->start;
	ssize_t n;

	if (to_socket) {
		n = send(pump->to, pump->data + pump->start, size, MSG_NOSIGNAL);
	} else {
		n = write(pump->to, pump->data + pump->start, size < pump->write_max ? size : pump->write_max);
	}
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return 0;
		return err_sys(err, "writing to %s", pump->to_name);
	}
	pump->start += (size_t)n;
	return 0;
}

/* Passes the end of the input on when all bytes are written. */
static int end_output(struct pump *pump, bool to_socket, struct err *err)
{
	int to = pump->to;

	if (!is_done(pump) || to < 0)
		return 0;
	pump->to = -1;
	if (to_socket) {
		if (shutdown(to, SHUT_WR) < 0 && errno != ENOTCONN)
			return err_sys(err, "finishing towards %s", pump->to_name);
		return 0;
	}
	/* A full disk may be reported only here. */
	if (close(to) < 0)
		return err_sys(err, "writing to %s", pump->to_name);
	return 0;
}

static struct pollfd poll_for(const struct pump *pump)
{
	struct pollfd pfd = {.fd = -1};

	if (is_waiting(pump)) {
		pfd.fd = pump->to;
		pfd.events = POLLOUT;
	} else {
		pfd.fd = pump->from;
		pfd.events = POLLIN;
	}
	return pfd;
}

static int move_bytes(struct pump *pump, bool to_socket, struct err *err)
{
	int rc = is_waiting(pump) ? drain_pump(pump, to_socket, err) : fill_pump(pump, err);

	return rc < 0 ? rc : end_output(pump, to_socket, err);
}

/* The server takes no more bytes. Its last output is often the reason, and can still be read: only this direction ends.
 */
static void abandon_pump(struct pump *pump)
{
	pump->from = pump->to = -1;
	pump->start = pump->end = 0;
}

/* poll(2) for at most IDLE_MS (0: no limit). 1; 0: try again; -1. */
static int wait_for(struct pollfd *pfds, int64_t idle_ms, struct err *err)
{
	int64_t ms = idle_ms > 0 ? idle_ms : -1;
	int n = poll(pfds, 2, ms < INT_MAX ? (int)ms : INT_MAX);
	char text[32];

	if (n > 0)
		return 1;
	if (n < 0)
		return errno == EINTR ? 0 : err_sys(err, "waiting for the server");
	format_duration(idle_ms, text, sizeof(text));
	(void)err_set(err, "nothing came or went for %s (time-out)", text);
	err->code = ETIMEDOUT;
	return -1;
}

int relay_run(int in, int out, int sock, int64_t idle_ms, struct err *err)
{
	static struct pump up, down;
	bool terminal = isatty(in) == 1;
	int status = 0;

	up = (struct pump){.from = in, .to = sock, .from_name = "standard input", .to_name = "the server"};
	down = (struct pump){.from = sock,
			     .to = out,
			     .from_name = "the server",
			     .to_name = "standard output",
			     .write_max = get_write_max(out)};
	while (!is_done(&up) || !is_done(&down)) {
		struct pollfd pfds[2];
		int rc;

		/* A user at a terminal does not see that the server has finished: do not wait for input. */
		if (is_done(&down) && terminal && !is_waiting(&up))
			break;
		pfds[0] = poll_for(&up);
		pfds[1] = poll_for(&down);
		rc = wait_for(pfds, idle_ms, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		/* Output of a server that has closed comes first. */
		if (pfds[1].revents != 0 && move_bytes(&down, false, err) < 0)
			return -1;
		if (pfds[0].revents != 0 && move_bytes(&up, true, err) < 0) {
			if (err->code != EPIPE && err->code != ECONNRESET)
				return -1;
			status = -1;
			abandon_pump(&up);
		}
	}
	return status;
}
