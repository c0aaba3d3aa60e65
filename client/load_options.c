/* SPDX-License-Identifier: MIT */
/* Client. The command line of `preforkc load`. */
#include "load_plan.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/err.h"
#include "base/parse.h"
#include "dial.h"
#include "load_content.h"

#define CLIENTS_MAX 1000000
#define SIZE_LIMIT  (INT64_C(1) << 30)
#define THREADS_MAX 256
#define SOURCES_MAX ((1 << 24) - 2) /* 127.0.0.1 to 127.255.255.254 */

enum {
	OPT_KEEP = 256,
	OPT_HOLD,
	OPT_JSON,
	OPT_SOURCES,
	OPT_TIMEOUT,
	OPT_RATE,
	OPT_THREADS,
	OPT_SEND,
	OPT_FILE,
	OPT_HISTOGRAM
};

static const struct option options[] = {
	{"clients", required_argument, NULL, 'c'},
	{"number", required_argument, NULL, 'n'},
	{"time", required_argument, NULL, 't'},
	{"size", required_argument, NULL, 's'},
	{"reply", required_argument, NULL, 'r'},
	{"keep", no_argument, NULL, OPT_KEEP},
	{"hold", no_argument, NULL, OPT_HOLD},
	{"json", no_argument, NULL, OPT_JSON},
	{"sources", required_argument, NULL, OPT_SOURCES},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"rate", required_argument, NULL, OPT_RATE},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"send", required_argument, NULL, OPT_SEND},
	{"file", required_argument, NULL, OPT_FILE},
	{"histogram", no_argument, NULL, OPT_HISTOGRAM},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"Usage: preforkc load [OPTION]... ADDRESS\n"
	"Keeps CLIENTS clients at work against a server and reports what became of each exchange.\n"
	"\n"
	"  -c, --clients=CLIENTS  clients at once (1)\n"
	"  -n, --number=TOTAL     end after so many exchanges (1000, unless -t is given)\n"
	"  -t, --time=TIME        start no exchange after this time, e.g. 10s\n"
	"  -s, --size=BYTES       size of a request, e.g. 64 or 64K (64)\n"
	"      --send=STRING      the request itself; \\r \\n \\t \\0 \\xNN stand for bytes\n"
	"      --file=FILE        the request is what is in a file (-: standard input)\n"
	"  -r, --reply=REPLY      echo: the request itself, compared; eof: all until the server\n"
	"                         finishes; a size: so many bytes (echo)\n"
	"      --rate=R           so many exchanges a second, e.g. 500 or 500/s, whether or not replies come;\n"
	"                         latency counts from when an exchange should have started\n"
	"      --threads=N        spread the clients over N threads (1)\n"
	"      --keep             all exchanges of a client on one connection\n"
	"      --hold             one exchange a client; connections stay open until all are answered\n"
	"      --sources=N        use N source addresses from 127.0.0.1 up\n"
	"      --timeout=TIME     patience with one exchange, 0 for no limit (10s)\n"
	"      --histogram        draw the latencies, too\n"
	"      --json             report as one JSON object\n"
	"  -h, --help\n"
	"\n"
	"Exit status: 0 all answered, 1 anything lost, 64 usage, 69 nobody there, 71 system error.\n";

/* A number from MIN to MAX. */
static int take_number(const char *text, int64_t min, int64_t max, int64_t *out, struct err *err)
{
	if (parse_integer(text, out, err) < 0)
		return -1;
	if (*out < min || *out > max)
		return err_set(err, "%.64s is out of range, %lld to %lld", text, (long long)min, (long long)max);
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

/* "500", "0.5" or "500/s". */
static int take_rate(const char *text, double *out, struct err *err)
{
	char *end;
	double rate = strtod(text, &end);

	if (end == text || (strcmp(end, "") != 0 && strcmp(end, "/s") != 0) || !(rate >= 0.001 && rate <= 1e8))
		return err_set(err, "\"%.64s\" is no rate, such as 500 or 500/s", text);
	*out = rate;
	return 0;
}

static int refuse_second_request(struct err *err)
{
	return err_set(err, "-s, --send and --file exclude each other");
}

/* The request that the user has given. */
static int take_content(const char *text, bool is_file, struct load_plan *plan, struct err *err)
{
	if (plan->fixed || plan->sized)
		return refuse_second_request(err);
	plan->content = is_file ? load_content_read(text, SIZE_LIMIT, &plan->request_size, err)
				: load_content_unescape(text, &plan->request_size, err);
	plan->fixed = plan->content != NULL;
	return plan->fixed ? 0 : -1;
}

/* Takes one option. 0; -1 with an error; 1 if getopt_long(3) has printed an error. */
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
		if (plan->fixed)
			return refuse_second_request(err);
		plan->sized = true;
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
	case OPT_RATE:
		return take_rate(optarg, &plan->rate, err);
	case OPT_THREADS:
		if (take_number(optarg, 1, THREADS_MAX, &number, err) < 0)
			return -1;
		plan->threads = (unsigned)number;
		return 0;
	case OPT_SEND:
		return take_content(optarg, false, plan, err);
	case OPT_FILE:
		return take_content(optarg, true, plan, err);
	case OPT_HISTOGRAM:
		plan->histogram = true;
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

static int print_error(const struct err *err)
{
	(void)fprintf(stderr, "preforkc: %s\n", err->text);
	return EX_USAGE;
}

int load_plan_parse(int argc, char **argv, struct load_plan *plan)
{
	struct err err;
	int option;

	*plan = (struct load_plan){.clients = 1, .threads = 1, .request_size = 64, .timeout_ns = UINT64_C(10000000000)};
	optind = 1;
	while ((option = getopt_long(argc, argv, "c:n:t:s:r:h", options, NULL)) != -1) {
		int rc;

		if (option == 'h') {
			(void)fputs(help, stdout);
			exit(fflush(stdout) == 0 ? 0 : EX_IOERR);
		}
		rc = take_option(option, plan, &err);
		if (rc < 0)
			return print_error(&err);
		if (rc > 0)
			return EX_USAGE;
	}
	if (argc - optind != 1) {
		(void)fprintf(stderr, "Usage: preforkc load [OPTION]... ADDRESS (--help says more)\n");
		return EX_USAGE;
	}
	if (load_plan_check(plan, &err) < 0 || dial_parse(argv[optind], &plan->addr, &err) < 0)
		return print_error(&err);
	if (plan->addr.datagram) {
		(void)err_set(&err, "\"%s\": load goes with stream sockets only", argv[optind]);
		return print_error(&err);
	}
	return 0;
}
