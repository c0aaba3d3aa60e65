/* SPDX-License-Identifier: MIT */
/* Worker. Lines and formatted text, over conn_io.c. */
#include <errno.h>
#include <preforkd/module.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "services/conn.h"
#include "services/conn_io.h"
#include "services/conn_say.h"

#define PRINTF_MOST 4096

static int fail_too_long(struct preforkd_conn *conn, size_t size)
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
		return fail_too_long(conn, size);
	if (conn_say_if_cut(conn)) /* before lines that were read ahead before the cut */
		return -1;
	while (more) {
		const char *begin, *end;
		size_t n;

		if (conn->ahead_len == 0) {
			ssize_t got = conn_io_read_ahead(conn);

			if (got < 0)
				return -1;
			if (got == 0 && len == 0)
				return 0;
			more = got > 0;
		}
		begin = conn_io_ahead(conn);
		end = memchr(begin, '\n', conn->ahead_len);
		n = end != NULL ? (size_t)(end - begin) : conn->ahead_len;
		/* SIZE bytes may come in, one more than fit: the last one may be a \r, which does not count */
		if (n > size - len)
			return fail_too_long(conn, size - 1);
		(void)conn_io_take_ahead(conn, buf + len, n);
		len += n;
		if (end != NULL) {
			(void)conn_io_take_ahead(conn, NULL, 1);
			more = false;
			if (len > 0 && buf[len - 1] == '\r')
				len--;
		}
	}
	if (len >= size)
		return fail_too_long(conn, size - 1);
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
