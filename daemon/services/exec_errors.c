/* SPDX-License-Identifier: MIT */
#include "services/exec_errors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <preforkd/module.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/line_log.h"

static void log_line(void *userdata, int priority, const char *text)
{
	preforkd_log(userdata, priority, "%s", text);
}

/* The pipe of the one client, or the one socket, that this worker has. */
static int read_end = -1, write_end = -1;
static struct line_log errors = {.source = "standard error", .write = log_line};

int exec_errors_open(int64_t per_second, struct err *err)
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
	errors.per_second = (unsigned)per_second;
	errors.used = 0;
	errors.too_long = false;
	return write_end;
}

int exec_errors_fd(void)
{
	return read_end;
}

bool exec_errors_take(struct preforkd_conn *conn)
{
	char buf[4096];
	ssize_t n = read(read_end, buf, sizeof(buf));

	errors.userdata = conn;
	if (n > 0)
		line_log_add(&errors, buf, (size_t)n);
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
	errors.userdata = conn;
	line_log_finish(&errors);
	fd_close(&read_end);
}
