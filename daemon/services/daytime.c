/* SPDX-License-Identifier: MIT */
/* Daytime (RFC 867): says date and time in words, and closes. What the client sends is ignored. */
#include <preforkd/module.h>
#include <string.h>
#include <time.h>

#include "services/kinds.h"

/* 0: the clock is beyond the calendar. */
static size_t say(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) == NULL)
		return 0;
	/* the SMTP form that the RFC gives as an example, with the century and the zone */
	return strftime(text, size, "%d %b %Y %T %z\r\n", &tm);
}

static int serve(struct preforkd_conn *conn)
{
	char text[64];
	size_t n = say(text, sizeof(text));

	if (n == 0)
		return preforkd_fail(conn, "the clock is beyond the calendar");
	return preforkd_write(conn, text, n);
}

static ssize_t answer(const void *request, size_t size, void *reply, size_t max)
{
	char text[64];
	size_t n = say(text, sizeof(text));

	(void)request;
	(void)size;
	if (n <= max)
		memcpy(reply, text, n);
	return n > 0 ? (ssize_t)n : -1;
}

const struct preforkd_module service_daytime = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(service_daytime),
	.name = "daytime",
	.summary = "says date and time in words (RFC 867)",
	.flags = PREFORKD_STREAM | PREFORKD_DATAGRAM | PREFORKD_SPEAKS_FIRST,
	.serve = serve,
	.answer = answer,
};
