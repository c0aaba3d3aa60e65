/* SPDX-License-Identifier: MIT */
/* Worker. The example of preforkd-module(3): asks for a name, and greets. */
#include <preforkd/module.h>

static int serve(struct preforkd_conn *conn)
{
	char name[64];
	int got;

	if (preforkd_printf(conn, "Who are you?\r\n") < 0)
		return -1;
	got = preforkd_read_line(conn, name, sizeof(name), NULL);
	if (got <= 0)
		return got;
	return preforkd_printf(conn, "Hello, %s, at %s.\r\n", name, preforkd_peer(conn));
}

const struct preforkd_module preforkd_module = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(preforkd_module),
	.name = "hello",
	.summary = "asks for a name, and greets",
	.flags = PREFORKD_STREAM,
	.serve = serve,
};
