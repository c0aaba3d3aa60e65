/* SPDX-License-Identifier: MIT */
#include "connect.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "dial.h"
#include "relay.h"

static int complain(const struct err *err, int status)
{
	(void)fprintf(stderr, "preforkc: %s\n", err->text);
	return status;
}

int connect_main(int argc, char **argv)
{
	struct sockaddr_any targets[DIAL_TARGETS_MAX];
	struct addr addr;
	struct err err;
	size_t winner;
	int n, fd, status = 0;

	opterr = 1;
	optind = 1;
	if (getopt(argc, argv, "+") != -1)
		return EX_USAGE; /* there are no options yet, and getopt has complained */
	if (argc - optind != 1) {
		(void)fprintf(stderr, "Usage: preforkc [connect] ADDRESS\n");
		return EX_USAGE;
	}
	if (dial_parse(argv[optind], &addr, &err) < 0)
		return complain(&err, EX_USAGE);
	n = addr_resolve(&addr, targets, DIAL_TARGETS_MAX, &err);
	if (n < 0)
		return complain(&err, EX_UNAVAILABLE);
	fd = dial_any(targets, (size_t)n, &winner, &err);
	if (fd < 0)
		return complain(&err, EX_UNAVAILABLE);
	if (relay_run(STDIN_FILENO, STDOUT_FILENO, fd, &err) < 0)
		status = complain(&err, 1);
	fd_close(&fd);
	return status;
}
