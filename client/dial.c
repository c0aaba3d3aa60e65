/* SPDX-License-Identifier: MIT */
#include "dial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/parse.h"
#include "net/connect_any.h"
#include "net/race.h"

int dial_parse(const char *text, struct addr *out, struct err *err)
{
	if (addr_parse(text, out, err) < 0)
		return -1;
	if (out->kind == ADDR_SYSTEMD || out->kind == ADDR_ANY)
		return err_set(err,
			       "\"%s\": nothing that one can connect to; write HOST:PORT, "
			       "[ADDRESS]:PORT or unix:PATH",
			       text);
	if (out->kind != ADDR_UNIX && out->port == 0)
		return err_set(err, "\"%s\": nobody can connect to port 0", text);
	return 0;
}

int dial_socket(const struct sockaddr_any *to, const struct sockaddr_any *from, int type, struct err *err)
{
	int fd = socket(to->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char text[ADDR_TEXT_MAX];

	if (fd < 0)
		return err_sys(err, "cannot make a socket");
	if (from != NULL && connect_bind(fd, from) < 0) {
		(void)err_sys(err, "cannot use the source address %s", addr_format_host(from, text, sizeof(text)));
		fd_close(&fd);
	}
	return fd;
}

const char *dial_reason(const struct sockaddr_any *to, int code)
{
	switch (code) {
	case ECONNREFUSED:
		return "refused, nobody listens there";
	case ENOENT:
		return "there is no such socket";
	case EAGAIN:
		return to->sa.sa_family == AF_UNIX ? "the server's queue is full" : "no local port is free";
	case EADDRNOTAVAIL:
		return "no local port is free, or there is no such address here";
	case ETIMEDOUT:
		return "nobody answers (time-out)";
	case ENETUNREACH:
		return "unreachable, there is no way to that network";
	case EHOSTUNREACH:
		return "unreachable, there is no such host on the way's last part";
	case ECONNRESET:
		return "reset before the connection was up";
	case EPROTOTYPE:
		return "the socket there is of the other type, stream or datagram";
	case EACCES:
	case EPERM:
		return "not permitted";
	}
	return strerror(code);
}

int dial_status(int code)
{
	switch (code) {
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return EX_OSERR;
	}
	return EX_UNAVAILABLE;
}

/* Adds the failures of the attempts to TEXT, for a person. SILENT: the reason of those that have not failed; NULL:
 * leave them out. */
static void add_failures(const struct connect_any *any, const char *silent, char *text, size_t size)
{
	char name[ADDR_TEXT_MAX];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < any->started && used < size; i++) {
		int code = any->attempt[i].code;
		const char *reason = code != 0 ? dial_reason(&any->to[i], code) : silent;

		if (reason != NULL)
			used += (size_t)snprintf(text + used, size - used, "%s%s: %s", used > 0 ? "; " : "",
						 addr_format(&any->to[i], name, sizeof(name)), reason);
	}
}

static int report_failures(const struct connect_any *any, int code, struct err *err)
{
	char reason[64], limit[32], failures[512];

	format_duration(any->limit_ms, limit, sizeof(limit));
	(void)snprintf(reason, sizeof(reason), "nobody answers (time-out after %s)", limit);
	add_failures(any, code == ETIMEDOUT ? reason : NULL, failures, sizeof(failures));
	(void)err_set(err, "%s", failures[0] != '\0' ? failures : strerror(code));
	err->code = code;
	return -1;
}

int dial_any(struct sockaddr_any *targets, size_t n, int type, int64_t limit_ms, struct dial_way *way_out,
	     struct err *err)
{
	struct connect_any any = {.to = targets, .n = n, .type = type, .limit_ms = limit_ms};
	int64_t begin = clock_us();
	int fd;

	race_order(targets, n);
	fd = connect_any(&any);
	if (fd < 0)
		return report_failures(&any, errno, err);
	way_out->index = any.index;
	way_out->tried = any.started;
	way_out->took_us = clock_us() - begin;
	add_failures(&any, NULL, way_out->failures, sizeof(way_out->failures));
	return fd;
}
