/* SPDX-License-Identifier: MIT */
#include "services/exec_errors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <preforkd/module.h>
#include <stdbool.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"

static int ends[2] = {-1, -1};
static char line[EXEC_ERRORS_LINE];
static size_t used;
static bool too_long; /* the rest of this line is dropped */

int exec_errors_open(struct err *err)
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "cannot create a pipe");
	for (int i = 0; i < 2; i++) {
		ends[i] = fd_above_stdio(ends[i], err);
		if (ends[i] < 0)
			return -1;
	}
	return 0;
}

int exec_errors_read_fd(void)
{
	return ends[0];
}

int exec_errors_write_fd(void)
{
	return ends[1];
}

static void flush(struct preforkd_conn *conn)
{
	if (used > 0)
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

/* One read(2) that does not block, because somebody has asked poll(2). False: nothing is there. */
static bool take_some(struct preforkd_conn *conn)
{
	struct pollfd p = {.fd = ends[0], .events = POLLIN};
	char buf[4096];
	ssize_t n;

	if (poll(&p, 1, 0) != 1)
		return false;
	n = read(ends[0], buf, sizeof(buf));
	for (ssize_t i = 0; i < n; i++)
		take_byte(conn, buf[i]);
	return n > 0;
}

void exec_errors_take(struct preforkd_conn *conn)
{
	(void)take_some(conn);
}

void exec_errors_finish(struct preforkd_conn *conn)
{
	/* bounded by what a pipe holds, even if something that escaped goes on writing */
	for (int i = 0; i < 32 && take_some(conn); i++)
		;
	flush(conn);
}
