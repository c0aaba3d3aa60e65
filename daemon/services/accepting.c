/* SPDX-License-Identifier: MIT */
/*
 * Worker. The handler "listen", for a program that accepts by itself: the worker becomes the program, which gets the
 * listener (worker/become_program.c), and the master keeps copies of it running (pool/program.c). This file serves
 * nothing; it has the handler's entry in the table.
 */
#include <preforkd/module.h>

#include "services/kinds.h"

static int serve_accepting(struct preforkd_conn *conn)
{
	return preforkd_fail(conn, "a program that accepts by itself is not served");
}

const struct preforkd_module service_accepting = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(struct preforkd_module),
	.name = "listen",
	.summary = "keeps copies of command running, which accept by themselves",
	.flags = PREFORKD_STREAM | PREFORKD_DATAGRAM | PREFORKD_COMMAND | PREFORKD_BECOMES_COMMAND,
	.serve = serve_accepting,
};
