/* SPDX-License-Identifier: MIT */
/*
 * What the yardsticks share: one listener on 127.0.0.1, N processes that block in accept. As
 * little as a pre-forking server can be; whatever the daemon does more is what it costs.
 */
#ifndef PREFORKD_TESTS_BENCH_YARD_H
#define PREFORKD_TESTS_BENCH_YARD_H

/*
 * Reads "PROCESSES [PORT]", listens, prints the port, and has every process hand each connection
 * to SERVE, which closes it. Does not return. SIGTERM ends all of them.
 */
_Noreturn void yard_run(int argc, char **argv, void (*serve)(int fd));

#endif
