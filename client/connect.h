/* SPDX-License-Identifier: MIT */
/* Client. `preforkc connect`: standard input goes to a server, its output to standard output. */
#ifndef PREFORKD_CLIENT_CONNECT_H
#define PREFORKD_CLIENT_CONNECT_H

/* ARGV[0] is the command's own name. Returns the exit status. */
int connect_main(int argc, char **argv);

#endif
