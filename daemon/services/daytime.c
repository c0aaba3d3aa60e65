/* SPDX-License-Identifier: MIT */
/* Worker. Daytime (RFC 867): sends date and time as text, and closes. What the client sends is ignored. */
#include <preforkd/module.h>
#include <string.h>
#include <time.h>

#include "services/kinds.h"

/* Returns the length of the text; 0 if the clock shows a year that cannot be represented. */
static size_t format_now(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	tzset(); /* reads /etc/localtime again if it has changed: localtime_r() alone reads it once in a worker's life
		  */
	if (localtime_r(&now, &tm) == NULL)
		return 0;
	/* the SMTP form that the RFC gives as an example, with a four-digit year and the time zone */
	return strftime(text, size, "%d %b %Y %T %z\r\n", &tm);
}

static int serve_daytime(struct preforkd_conn *conn)
{
	char text[64];
	size_t n = format_now(text, sizeof(text));

	if (n == 0)
		return preforkd_fail(conn, "the clock is beyond the calendar");
	return preforkd_write(conn, text, n);
}

static ssize_t answer_daytime(const void *request, size_t size, void *reply, size_t max)
{
	char text[64];
	size_t n = format_now(text, sizeof(text));

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
	.serve = serve_daytime,
	.answer = answer_daytime,
};
