/* SPDX-License-Identifier: MIT */
/* Lines and formatted text, over preforkd_read() and preforkd_write(). */
#include <errno.h>
#include <preforkd/module.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "services/conn.h"

#define PRINTF_MOST 4096

/* What was read ahead. One connection at a time has it. */
static char ahead[8192];

size_t conn_take_ahead(struct preforkd_conn *conn, void *buf, size_t size)
{
	size_t n = conn->ahead_len < size ? conn->ahead_len : size;

	memcpy(buf, ahead + conn->ahead_at, n);
	conn->ahead_at += n;
	conn->ahead_len -= n;
	return n;
}

static int too_long(struct preforkd_conn *conn, size_t size)
{
	(void)preforkd_fail(conn, "a line is longer than %zu bytes", size);
	errno = EMSGSIZE;
	return -1;
}

int preforkd_read_line(struct preforkd_conn *conn, char *buf, size_t size, size_t *len_out)
{
	size_t len = 0;
	bool more = true;

	if (size == 0)
		return too_long(conn, size);
	if (conn_ended_by_us(conn)) /* whole lines may have been read ahead before that */
		return -1;
	while (more) {
		size_t n;
		const char *end;

		if (conn->ahead_len == 0) {
			ssize_t got = preforkd_read(conn, ahead, sizeof(ahead));

			if (got < 0)
				return -1;
			if (got == 0 && len == 0)
				return 0;
			conn->ahead_at = 0;
			conn->ahead_len = (size_t)got;
			more = got > 0;
		}
		end = memchr(ahead + conn->ahead_at, '\n', conn->ahead_len);
		n = end != NULL ? (size_t)(end - ahead) - conn->ahead_at : conn->ahead_len;
		/* one more, for a \r that is not counted */
		if (n > size - len)
			return too_long(conn, size - 1);
		(void)conn_take_ahead(conn, buf + len, n);
		len += n;
		if (end != NULL) {
			conn->ahead_at++;
			conn->ahead_len--;
			more = false;
			if (len > 0 && buf[len - 1] == '\r')
				len--;
		}
	}
	if (len >= size)
		return too_long(conn, size - 1);
	buf[len] = '\0';
	if (len_out != NULL)
		*len_out = len;
	return 1;
}

int preforkd_printf(struct preforkd_conn *conn, const char *fmt, ...)
{
	char text[PRINTF_MOST];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text)) {
		(void)preforkd_fail(conn, "a text for the client is longer than %d bytes", PRINTF_MOST - 1);
		errno = EMSGSIZE;
		return -1;
	}
	return preforkd_write(conn, text, (size_t)n);
}
