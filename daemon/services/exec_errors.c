/* SPDX-License-Identifier: MIT */
#include "services/exec_errors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <preforkd/module.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"

/* Of the one client, or the one socket, that this worker has. */
static int read_end = -1, write_end = -1;
static char line[EXEC_ERRORS_LINE];
static size_t used;
static bool too_long;  /* the rest of this line is dropped */
static int64_t second; /* the running one */
static unsigned lines; /* written in it */
static unsigned long dropped;

int exec_errors_open(struct err *err)
{
	int ends[2];

	if (read_end >= 0)
		return write_end;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "cannot create a pipe for standard error");
	read_end = fd_above_stdio(ends[0], err);
	write_end = fd_above_stdio(ends[1], err);
	if (read_end < 0 || write_end < 0) {
		fd_close(&read_end);
		fd_close(&write_end);
		return -1;
	}
	used = 0;
	too_long = false;
	return write_end;
}

int exec_errors_fd(void)
{
	return read_end;
}

static void tell_dropped(struct preforkd_conn *conn)
{
	if (dropped > 0)
		preforkd_log(conn, LOG_WARNING, "%lu more lines of standard error are not shown", dropped);
	dropped = 0;
}

/* A program that writes without end must not fill the disk with our log. */
static bool may_log(struct preforkd_conn *conn)
{
	int64_t now = clock_coarse_ms() / 1000;

	if (now != second) {
		tell_dropped(conn);
		second = now;
		lines = 0;
	}
	if (lines < EXEC_ERRORS_PER_SECOND) {
		lines++;
		return true;
	}
	dropped++;
	return false;
}

static void flush(struct preforkd_conn *conn)
{
	if (used > 0 && may_log(conn))
		preforkd_log(conn, LOG_NOTICE, "%.*s%s", (int)used, line, too_long ? "..." : "");
	used = 0;
	too_long = false;
}

static void take_byte(struct preforkd_conn *conn, char c)
{
	if (c == '\n')
		flush(conn);
	else if (used == sizeof(line))
		too_long = true;
	else
		line[used++] = c == '\0' ? ' ' : c; /* "%.*s" would stop there */
}

bool exec_errors_take(struct preforkd_conn *conn)
{
	char buf[4096];
	ssize_t n = read(read_end, buf, sizeof(buf));

	for (ssize_t i = 0; i < n; i++)
		take_byte(conn, buf[i]);
	return n > 0 || (n < 0 && errno == EINTR);
}

void exec_errors_finish(struct preforkd_conn *conn)
{
	struct pollfd p = {.fd = read_end, .events = POLLIN};

	if (read_end < 0)
		return;
	fd_close(&write_end);
	/* bounded by what a pipe holds, even if something that escaped goes on writing */
	for (int i = 0; i < 32 && poll(&p, 1, 0) == 1 && exec_errors_take(conn); i++)
		;
	flush(conn);
	tell_dropped(conn);
	fd_close(&read_end);
}
