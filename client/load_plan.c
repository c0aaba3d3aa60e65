/* SPDX-License-Identifier: MIT */
#include "load_plan.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/parse.h"
#include "dial.h"

#define CLIENTS_MAX 1000000
#define SIZE_LIMIT  (INT64_C(1) << 30)
#define SOURCES_MAX ((1 << 24) - 2) /* 127.0.0.1 to 127.255.255.254 */

enum { OPT_KEEP = 256, OPT_HOLD, OPT_JSON, OPT_SOURCES, OPT_TIMEOUT };

static const struct option options[] = {
	{ "clients", required_argument, NULL, 'c' },
	{ "number", required_argument, NULL, 'n' },
	{ "time", required_argument, NULL, 't' },
	{ "size", required_argument, NULL, 's' },
	{ "reply", required_argument, NULL, 'r' },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "hold", no_argument, NULL, OPT_HOLD },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "sources", required_argument, NULL, OPT_SOURCES },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"Usage: preforkc load [OPTION]... ADDRESS\n"
	"Keeps CLIENTS clients at work against a server and reports what became of each exchange.\n"
	"\n"
	"  -c, --clients=CLIENTS  clients at once (1)\n"
	"  -n, --number=TOTAL     end after so many exchanges (1000, unless -t is given)\n"
	"  -t, --time=TIME        start no exchange after this time, e.g. 10s\n"
	"  -s, --size=BYTES       size of a request, e.g. 64 or 64K (64)\n"
	"  -r, --reply=REPLY      echo: the request itself, compared; eof: all until the server\n"
	"                         finishes; a size: so many bytes (echo)\n"
	"      --keep             all exchanges of a client on one connection\n"
	"      --hold             one exchange a client; connections stay open until all are answered\n"
	"      --sources=N        use N source addresses from 127.0.0.1 up\n"
	"      --timeout=TIME     patience with one exchange, 0 for no limit (10s)\n"
	"      --json             report as one JSON object\n"
	"  -h, --help\n"
	"\n"
	"Exit status: 0 all answered, 1 anything lost, 64 usage, 69 address unknown, 71 system error.\n";

/* A number within limits. */
static int take_number(const char *text, int64_t min, int64_t max, int64_t *out, struct err *err)
{
	if (parse_integer(text, out, err) < 0)
		return -1;
	if (*out < min || *out > max)
		return err_set(err, "%.64s is out of range, %lld to %lld", text, (long long)min,
			       (long long)max);
	return 0;
}

static int take_size(const char *text, size_t *out, struct err *err)
{
	int64_t bytes;

	if (parse_size(text, &bytes, err) < 0)
		return -1;
	if (bytes > SIZE_LIMIT)
		return err_set(err, "%.64s is more than 1G", text);
	*out = (size_t)bytes;
	return 0;
}

static int take_time(const char *text, uint64_t *ns_out, struct err *err)
{
	int64_t ms;

	if (parse_duration(text, &ms, err) < 0)
		return -1;
	if (ms > INT64_C(1000) * 86400 * 365)
		return err_set(err, "%.64s is more than a year", text);
	*ns_out = (uint64_t)ms * 1000000;
	return 0;
}

static int take_reply(const char *text, struct load_plan *plan, struct err *err)
{
	if (strcmp(text, "echo") == 0) {
		plan->reply = LOAD_REPLY_ECHO;
		return 0;
	}
	if (strcmp(text, "eof") == 0) {
		plan->reply = LOAD_REPLY_EOF;
		return 0;
	}
	plan->reply = LOAD_REPLY_BYTES;
	if (take_size(text, &plan->reply_size, NULL) < 0)
		return err_set(err, "\"%.64s\" is neither echo nor eof nor a size", text);
	if (plan->reply_size == 0)
		return err_set(err, "a reply of 0 bytes cannot be waited for");
	return 0;
}

/* One option. 0, -1 with an error, or 1 for one that getopt has complained about. */
static int take_option(int option, struct load_plan *plan, struct err *err)
{
	int64_t number = 0;

	switch (option) {
	case 'c':
		if (take_number(optarg, 1, CLIENTS_MAX, &number, err) < 0)
			return -1;
		plan->clients = (unsigned)number;
		return 0;
	case 'n':
		if (take_number(optarg, 1, INT64_MAX, &number, err) < 0)
			return -1;
		plan->total = (uint64_t)number;
		return 0;
	case 't':
		if (take_time(optarg, &plan->duration_ns, err) < 0)
			return -1;
		return plan->duration_ns > 0 ? 0 : err_set(err, "a run takes some time");
	case 's':
		return take_size(optarg, &plan->request_size, err);
	case 'r':
		return take_reply(optarg, plan, err);
	case OPT_KEEP:
		plan->keep = true;
		return 0;
	case OPT_HOLD:
		plan->hold = true;
		return 0;
	case OPT_JSON:
		plan->json = true;
		return 0;
	case OPT_SOURCES:
		if (take_number(optarg, 1, SOURCES_MAX, &number, err) < 0)
			return -1;
		plan->sources = (uint32_t)number;
		return 0;
	case OPT_TIMEOUT:
		return take_time(optarg, &plan->timeout_ns, err);
	}
	return 1;
}

/* What cannot be asked for together. */
static int check(struct load_plan *plan, struct err *err)
{
	if (plan->hold && (plan->total > 0 || plan->duration_ns > 0))
		return err_set(err, "--hold makes one exchange a client: neither -n nor -t goes with it");
	if (plan->hold && plan->keep)
		return err_set(err, "--hold and --keep exclude each other");
	if (plan->reply == LOAD_REPLY_EOF && (plan->hold || plan->keep))
		return err_set(err, "-r eof ends the connection: neither --keep nor --hold goes with it");
	if (plan->keep && plan->request_size == 0)
		return err_set(err, "--keep needs a request of one byte at least");
	if (plan->hold)
		plan->total = plan->clients;
	else if (plan->total == 0 && plan->duration_ns == 0)
		plan->total = 1000;
	return 0;
}

static int complain(const struct err *err)
{
	(void)fprintf(stderr, "preforkc: %s\n", err->text);
	return EX_USAGE;
}

int load_plan_parse(int argc, char **argv, struct load_plan *plan)
{
	struct err err;
	int option;

	*plan = (struct load_plan){ .clients = 1,
				    .request_size = 64,
				    .timeout_ns = UINT64_C(10000000000) };
	optind = 1;
	while ((option = getopt_long(argc, argv, "c:n:t:s:r:h", options, NULL)) != -1) {
		int rc;

		if (option == 'h') {
			(void)fputs(help, stdout);
			exit(fflush(stdout) == 0 ? 0 : EX_IOERR);
		}
		rc = take_option(option, plan, &err);
		if (rc < 0)
			return complain(&err);
		if (rc > 0)
			return EX_USAGE;
	}
	if (argc - optind != 1) {
		(void)fprintf(stderr, "Usage: preforkc load [OPTION]... ADDRESS (--help says more)\n");
		return EX_USAGE;
	}
	if (check(plan, &err) < 0 || dial_parse(argv[optind], &plan->addr, &err) < 0)
		return complain(&err);
	return 0;
}

/* Of several addresses the first that answers is used; a single one is not asked beforehand.
 * 0 or an exit status. */
static int choose_target(struct load_plan *plan, struct err *err)
{
	struct sockaddr_any targets[DIAL_TARGETS_MAX];
	int n = addr_resolve(&plan->addr, targets, DIAL_TARGETS_MAX, err);
	size_t winner = 0;

	if (n < 0)
		return EX_UNAVAILABLE;
	if (n > 1) {
		int fd = dial_any(targets, (size_t)n, &winner, err);

		if (fd < 0)
			return EX_UNAVAILABLE;
		fd_close(&fd);
	}
	plan->target = targets[winner];
	if (plan->sources > 0 && (plan->target.sa.sa_family != AF_INET ||
				  ntohl(plan->target.in.sin_addr.s_addr) >> 24 != 127)) {
		(void)err_set(err, "--sources goes with an address in 127.0.0.0/8 only");
		return EX_USAGE;
	}
	return 0;
}

/* Bytes without a pattern that a shifted copy would repeat. The same in every run. */
static int make_content(struct load_plan *plan, struct err *err)
{
	size_t i, size = plan->request_size + LOAD_SHIFTS;
	uint32_t x = 2463534242U;

	plan->content = malloc(size);
	if (plan->content == NULL)
		return err_sys(err, "no memory for requests of %zu bytes", plan->request_size);
	for (i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		plan->content[i] = (unsigned char)(x >> 24);
	}
	return 0;
}

int load_plan_prepare(struct load_plan *plan, struct err *err)
{
	int status = choose_target(plan, err);

	if (status != 0)
		return status;
	return make_content(plan, err) < 0 ? EX_OSERR : 0;
}

void load_plan_free(struct load_plan *plan)
{
	free(plan->content);
	plan->content = NULL;
}
