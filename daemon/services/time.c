/* SPDX-License-Identifier: MIT */
/* Worker. Time (RFC 868): sends the seconds since 1900 as 32 bits in network order, and closes. */
#include <arpa/inet.h>
#include <preforkd/module.h>
#include <string.h>
#include <time.h>

#include "services/kinds.h"

#define SECONDS_1900_TO_1970 2208988800LL /* given in the RFC */

static uint32_t seconds_since_1900(void)
{
	/* wraps in 2036, as the protocol does */
	return htonl((uint32_t)(time(NULL) + SECONDS_1900_TO_1970));
}

static int serve_time(struct preforkd_conn *conn)
{
	uint32_t now = seconds_since_1900();

	return preforkd_write(conn, &now, sizeof(now));
}

static ssize_t answer_time(const void *request, size_t size, void *reply, size_t max)
{
	uint32_t now = seconds_since_1900();

	(void)request;
	(void)size;
	if (sizeof(now) <= max)
		memcpy(reply, &now, sizeof(now));
	return sizeof(now);
}

const struct preforkd_module service_time = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(service_time),
	.name = "time",
	.summary = "says the time as a 32-bit number (RFC 868)",
	.flags = PREFORKD_STREAM | PREFORKD_DATAGRAM | PREFORKD_SPEAKS_FIRST,
	.serve = serve_time,
	.answer = answer_time,
};
