/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void fill_err(struct err *err, int code, const char *fmt, va_list ap)
{
	size_t used;
	int n;

	err->code = code;
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	if (n < 0)
		err->text[0] = '\0';
	if (code == 0)
		return;
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(code));
}

int err_set(struct err *err, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	fill_err(err, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *err, const char *fmt, ...)
{
	int code = errno;
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	fill_err(err, code, fmt, ap);
	va_end(ap);
	errno = code;
	return -1;
}

int err_code(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err != NULL) {
		va_start(ap, fmt);
		fill_err(err, code, fmt, ap);
		va_end(ap);
	}
	errno = code;
	return -1;
}
