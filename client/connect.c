/* SPDX-License-Identifier: MIT */
#include "connect.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/parse.h"
#include "datagrams.h"
#include "dial.h"
#include "relay.h"

struct wishes {
	struct addr addr;
	bool verbose;
	int64_t limit_ms; /* for the connection, and for silence later; 0: none */
};

static int print_error(const struct err *err, int status)
{
	(void)fprintf(stderr, "preforkc: %s\n", err->text);
	return status;
}

static int print_usage(void)
{
	(void)fprintf(stderr, "Usage: preforkc [connect] [-uv] [-w TIME] ADDRESS (--help says more)\n");
	return EX_USAGE;
}

/* 0, or an exit status after it has printed an error. */
static int parse_options(int argc, char **argv, struct wishes *wishes)
{
	static const struct option options[] = {
		{"udp", no_argument, NULL, 'u'},
		{"verbose", no_argument, NULL, 'v'},
		{"wait", required_argument, NULL, 'w'},
		{NULL, 0, NULL, 0},
	};
	bool datagram = false;
	struct err err;
	int option;

	*wishes = (struct wishes){.verbose = false};
	optind = 1;
	while ((option = getopt_long(argc, argv, "+uvw:", options, NULL)) != -1) {
		switch (option) {
		case 'u':
			datagram = true;
			break;
		case 'v':
			wishes->verbose = true;
			break;
		case 'w':
			if (parse_duration(optarg, &wishes->limit_ms, &err) < 0)
				return print_error(&err, EX_USAGE);
			break;
		default: /* getopt_long(3) has printed an error */
			return print_usage();
		}
	}
	if (argc - optind != 1)
		return print_usage();
	if (dial_parse(argv[optind], &wishes->addr, &err) < 0)
		return print_error(&err, EX_USAGE);
	wishes->addr.datagram |= datagram;
	return 0;
}

/* The address, the time that it took, and the attempts that failed before. */
static void print_way(const struct sockaddr_any *to, const struct dial_way *way, size_t n)
{
	char text[ADDR_TEXT_MAX];

	if (way->failures[0] != '\0')
		(void)fprintf(stderr, "preforkc: %s\n", way->failures);
	(void)fprintf(stderr, "preforkc: connected to %s in %" PRId64 ".%03" PRId64 " ms",
		      addr_format(to, text, sizeof(text)), way->took_us / 1000, way->took_us % 1000);
	if (n > 1)
		(void)fprintf(stderr, ", %zu of %zu addresses tried", way->tried, n);
	(void)fputc('\n', stderr);
}

int connect_main(int argc, char **argv)
{
	struct sockaddr_any targets[DIAL_TARGETS_MAX];
	struct wishes wishes;
	struct dial_way way;
	struct err err;
	int n, fd, status = parse_options(argc, argv, &wishes);

	if (status != 0)
		return status;
	n = addr_resolve(&wishes.addr, targets, DIAL_TARGETS_MAX, &err);
	if (n < 0)
		return print_error(&err, EX_UNAVAILABLE);
	fd = dial_any(targets, (size_t)n, wishes.addr.datagram ? SOCK_DGRAM : SOCK_STREAM, wishes.limit_ms, &way, &err);
	if (fd < 0)
		return print_error(&err, dial_status(err.code));
	if (wishes.verbose)
		print_way(&targets[way.index], &way, (size_t)n);
	if (wishes.addr.datagram) {
		if (datagrams_run(STDIN_FILENO, STDOUT_FILENO, fd, wishes.limit_ms, &err) < 0)
			status = print_error(&err, err.code == ECONNREFUSED ? EX_UNAVAILABLE : 1);
	} else if (relay_run(STDIN_FILENO, STDOUT_FILENO, fd, wishes.limit_ms, &err) < 0) {
		status = print_error(&err, 1);
	}
	fd_close(&fd);
	return status;
}
