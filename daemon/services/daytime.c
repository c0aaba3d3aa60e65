/* SPDX-License-Identifier: MIT */
/* Daytime (RFC 867): says date and time in words, and closes. What the client sends is ignored. */
#include <preforkd/module.h>
#include <time.h>

#include "services/kinds.h"

static int serve(struct preforkd_conn *conn)
{
	time_t now = time(NULL);
	char text[64];
	struct tm tm;
	size_t n;

	if (localtime_r(&now, &tm) == NULL)
		return preforkd_fail(conn, "the clock is beyond the calendar");
	/* the SMTP form that the RFC gives as an example, with the century and the zone */
	n = strftime(text, sizeof(text), "%d %b %Y %T %z\r\n", &tm);
	return preforkd_write(conn, text, n);
}

const struct preforkd_module service_daytime = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(service_daytime),
	.name = "daytime",
	.summary = "says date and time in words (RFC 867)",
	.flags = PREFORKD_STREAM | PREFORKD_SPEAKS_FIRST,
	.serve = serve,
};
