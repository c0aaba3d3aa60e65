/* SPDX-License-Identifier: MIT */
/* Client. `preforkc load`: puts a server under load and prints a report. */
#ifndef PREFORKD_CLIENT_LOAD_H
#define PREFORKD_CLIENT_LOAD_H

/* ARGV[0] is the command's own name. Returns the exit status. */
int load_main(int argc, char **argv);

#endif
