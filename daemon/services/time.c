/* SPDX-License-Identifier: MIT */
/* Time (RFC 868): the seconds since 1900 as 32 bits in network order, and closes. */
#include <arpa/inet.h>
#include <preforkd/module.h>
#include <time.h>

#include "services/kinds.h"

#define SECONDS_1900_TO_1970 2208988800LL /* given in the RFC */

static int serve(struct preforkd_conn *conn)
{
	/* wraps in 2036, as the protocol does */
	uint32_t now = htonl((uint32_t)(time(NULL) + SECONDS_1900_TO_1970));

	return preforkd_write(conn, &now, sizeof(now));
}

const struct preforkd_module service_time = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(service_time),
	.name = "time",
	.summary = "says the time as a 32-bit number (RFC 868)",
	.flags = PREFORKD_STREAM | PREFORKD_SPEAKS_FIRST,
	.serve = serve,
};
