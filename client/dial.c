/* SPDX-License-Identifier: MIT */
#include "dial.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fds.h"

int dial_parse(const char *text, struct addr *out, struct err *err)
{
	if (addr_parse(text, out, err) < 0)
		return -1;
	if (out->datagram)
		return err_set(err, "\"%s\": only stream sockets can be talked to", text);
	if (out->kind == ADDR_SYSTEMD || out->kind == ADDR_ANY)
		return err_set(err, "\"%s\": nothing that one can connect to; write HOST:PORT, "
			       "[ADDRESS]:PORT or unix:PATH", text);
	if (out->kind != ADDR_UNIX && out->port == 0)
		return err_set(err, "\"%s\": nobody can connect to port 0", text);
	return 0;
}

int dial_socket(const struct sockaddr_any *to, const struct sockaddr_any *from, struct err *err)
{
	int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char text[ADDR_TEXT_MAX];
	int on = 1;

	if (fd < 0)
		return err_sys(err, "cannot make a socket");
	if (from == NULL)
		return fd;
	/* The port is chosen at connect(), where one that is in use towards another peer will do. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, &from->sa, from->len) < 0) {
		(void)err_sys(err, "cannot use the source address %s",
			      addr_format_host(from, text, sizeof(text)));
		fd_close(&fd);
	}
	return fd;
}

/* Waits for a connection that was begun. 0, or -1 with errno. */
static int finish(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof(error);

	while (poll(&pfd, 1, -1) < 0) {
		if (errno != EINTR)
			return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -1;
	errno = error;
	return error == 0 ? 0 : -1;
}

/* Appends one reason to those of the targets before. */
static void add_reason(struct err *err, const struct sockaddr_any *to, int code)
{
	char text[ADDR_TEXT_MAX];
	size_t used = strlen(err->text);

	err->code = code;
	(void)snprintf(err->text + used, sizeof(err->text) - used, "%s%s: %s", used > 0 ? "; " : "",
		       addr_format(to, text, sizeof(text)), strerror(code));
}

int dial_any(const struct sockaddr_any *targets, size_t n, size_t *index_out, struct err *err)
{
	size_t i;

	err->text[0] = '\0';
	err->code = 0;
	for (i = 0; i < n; i++) {
		int fd = dial_socket(&targets[i], NULL, err);

		if (fd < 0)
			return -1;
		if (connect(fd, &targets[i].sa, targets[i].len) == 0 ||
		    (errno == EINPROGRESS && finish(fd) == 0)) {
			*index_out = i;
			return fd;
		}
		add_reason(err, &targets[i], errno);
		fd_close(&fd);
	}
	return -1;
}
