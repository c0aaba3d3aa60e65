/* SPDX-License-Identifier: MIT */
/*
 * The worker is the program: it gets the listener and accepts by itself (worker/become_program.c), and the master keeps
 * so many copies of it (pool/program.c). Nothing is served here.
 */
#include <preforkd/module.h>

#include "services/kinds.h"

static int serve(struct preforkd_conn *conn)
{
	return preforkd_fail(conn, "nobody accepts for a program that accepts by itself");
}

const struct preforkd_module service_accepting = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(struct preforkd_module),
	.name = "listen",
	.summary = "keeps copies of command running, which accept by themselves",
	.flags = PREFORKD_STREAM | PREFORKD_DATAGRAM | PREFORKD_COMMAND | PREFORKD_BECOMES_COMMAND,
	.serve = serve,
};
