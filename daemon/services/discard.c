/* SPDX-License-Identifier: MIT */
/* Worker. Discard (RFC 863): reads and discards until the client has finished sending. */
#include <preforkd/module.h>

#include "services/kinds.h"

static char buf[65536];

static int serve_discard(struct preforkd_conn *conn)
{
	ssize_t n;

	do
		n = preforkd_read(conn, buf, sizeof(buf));
	while (n > 0);
	return (int)n;
}

static ssize_t answer_discard(const void *request, size_t size, void *reply, size_t max)
{
	(void)request;
	(void)size;
	(void)reply;
	(void)max;
	return -1;
}

const struct preforkd_module service_discard = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(service_discard),
	.name = "discard",
	.summary = "throws away what it gets (RFC 863)",
	.flags = PREFORKD_STREAM | PREFORKD_DATAGRAM,
	.serve = serve_discard,
	.answer = answer_discard,
};
