/* SPDX-License-Identifier: MIT */
/* Client. preforkc: finds the command and runs it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/err.h"
#include "base/fds.h"
#include "connect.h"
#include "load.h"

static const char help[] =
	"Usage: preforkc [connect] [-uv] [-w TIME] ADDRESS\n"
	"       preforkc load [OPTION]... ADDRESS\n"
	"Talks to a server: standard input goes there, what it says goes to standard output;\n"
	"or puts it under load. ADDRESS is HOST:PORT, [IPV6]:PORT or unix:PATH (unix:@NAME for an\n"
	"abstract name); udp:HOST:PORT is the same as -u.\n"
	"\n"
	"  -u, --udp        datagrams: one for each piece that is read from standard input\n"
	"  -v, --verbose    say which address answered, and how long it took\n"
	"  -w, --wait=TIME  give up if there is no connection after TIME, e.g. 3s, or if nothing\n"
	"                   comes or goes for that long\n"
	"  -h, --help       `preforkc load --help' tells the options of load\n"
	"  -V, --version\n"
	"\n"
	"Exit status: 0 done, 1 cut or silent, 64 usage, 69 cannot reach the server, 71 system error,\n"
	"77 not permitted.\n";

static int print(const char *text)
{
	return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? 0 : EX_IOERR;
}

int main(int argc, char **argv)
{
	struct err err;

	if (fds_fill_stdio(&err) < 0) {
		(void)fprintf(stderr, "preforkc: %s\n", err.text);
		return EX_OSERR;
	}
	/* A write to a peer that has closed must fail with EPIPE, not end the program. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0))
		return print(help);
	if (argc > 1 && (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0))
		return print("preforkc " PACKAGE_VERSION "\n");
	if (argc > 1 && strcmp(argv[1], "load") == 0)
		return load_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "connect") == 0)
		return connect_main(argc - 1, argv + 1);
	return connect_main(argc, argv);
}
