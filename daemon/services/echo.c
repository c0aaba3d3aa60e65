/* SPDX-License-Identifier: MIT */
/* Worker. Echo (RFC 862): sends back what it reads until the client has finished sending. */
#include <preforkd/module.h>
#include <string.h>

#include "services/kinds.h"

static char buf[65536];

static int serve_echo(struct preforkd_conn *conn)
{
	for (;;) {
		ssize_t n = preforkd_read(conn, buf, sizeof(buf));

		if (n <= 0)
			return (int)n;
		if (preforkd_write(conn, buf, (size_t)n) < 0)
			return -1;
	}
}

static ssize_t answer_echo(const void *request, size_t size, void *reply, size_t max)
{
	if (size <= max)
		memcpy(reply, request, size);
	return (ssize_t)size;
}

const struct preforkd_module service_echo = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(service_echo),
	.name = "echo",
	.summary = "sends back what it gets (RFC 862)",
	.flags = PREFORKD_STREAM | PREFORKD_DATAGRAM,
	.serve = serve_echo,
	.answer = answer_echo,
};
