/* SPDX-License-Identifier: MIT */
/* `preforkc connect`: standard input to a server, the server to standard output. */
#ifndef PREFORKD_CLIENT_CONNECT_H
#define PREFORKD_CLIENT_CONNECT_H

/* ARGV[0] is the command's own name. Returns the exit status. */
int connect_main(int argc, char **argv);

#endif
