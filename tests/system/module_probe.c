/* SPDX-License-Identifier: MIT */
/* A module that does what it is told, line by line: for test_module_*.py. -DVERSION tells one build from another. */
#include <preforkd/module.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION 1
#endif

struct options {
	int64_t number, wait, size;
	const char *text, *note;
	struct preforkd_list list;
	bool flag;
};

static const struct preforkd_option table[] = {
	{.name = "number",
	 .type = PREFORKD_INTEGER,
	 .offset = offsetof(struct options, number),
	 .preset = "7",
	 .min = -5,
	 .max = 100,
	 .help = "A number."},
	{.name = "wait",
	 .type = PREFORKD_DURATION,
	 .offset = offsetof(struct options, wait),
	 .preset = "3s",
	 .min = 1,
	 .max = 60000,
	 .zero = "for ever",
	 .help = "A time."},
	{.name = "size", .type = PREFORKD_SIZE, .offset = offsetof(struct options, size), .preset = "4K", .max = 65536},
	{.name = "text", .type = PREFORKD_STRING, .offset = offsetof(struct options, text), .preset = "some text"},
	/* a file: the worker, and the master's init() and fini(), write what they do into it */
	{.name = "note", .type = PREFORKD_STRING, .offset = offsetof(struct options, note)},
	{.name = "list", .type = PREFORKD_LIST, .offset = offsetof(struct options, list)},
	{.name = "flag", .type = PREFORKD_BOOL, .offset = offsetof(struct options, flag), .preset = "true"},
	{.name = NULL},
};

#if VERSION == 1
static const struct preforkd_counter counters[] = {
	{.name = "asked", .help = "lines"}, {.name = "ticks"}, {.name = NULL}};
enum { ASKED, TICKS };
#else /* the same in another order, and one more */
static const struct preforkd_counter counters[] = {
	{.name = "ticks"}, {.name = "more"}, {.name = "asked"}, {.name = NULL}};
enum { TICKS, MORE, ASKED };
#endif

static int kept = -1;

static const struct options *options(void)
{
	return (const struct options *)preforkd_options();
}

static void note(const char *what)
{
	const char *path = options() != NULL ? options()->note : NULL;
	int fd = path != NULL ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)dprintf(fd, "%s %d %d\n", what, VERSION, (int)getpid());
		(void)close(fd);
	}
}

static int init(void)
{
	FILE *f = tmpfile();

	note("init");
	if (f == NULL || fputs("kept", f) < 0 || fflush(f) != 0)
		return preforkd_fail(NULL, "no file");
	kept = dup(fileno(f));
	(void)fclose(f);
	(void)rand(); /* shared by all workers, if nobody does anything about it */
	return preforkd_keep(kept);
}

static void fini(void)
{
	note("fini");
	(void)close(kept);
}

static int worker_start(void)
{
	note("start");
	return 0;
}

static void worker_stop(void)
{
	note("stop");
}

static void timer(void)
{
	preforkd_count(TICKS, 1);
}

static int is(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

static int obey(struct preforkd_conn *conn, const char *line)
{
	const struct options *o = options();
	char buf[8192];
	ssize_t n;

	preforkd_count(ASKED, 1);
	if (is(line, "version"))
		return preforkd_printf(conn, "%d\n", VERSION);
	if (is(line, "options"))
		return preforkd_printf(conn, "%lld %lld %lld %s %s %zu:%s %d\n", (long long)o->number,
				       (long long)o->wait, (long long)o->size, o->text != NULL ? o->text : "-",
				       preforkd_service(NULL), o->list.n,
				       o->list.n > 0 ? o->list.items[o->list.n - 1] : "", o->flag);
	if (is(line, "random"))
		return preforkd_printf(conn, "%d %ld %f\n", rand(), random(), drand48());
	if (is(line, "kept")) {
		n = pread(kept, buf, 99, 0);
		buf[n > 0 ? n : 0] = '\0';
		return preforkd_printf(conn, "%s\n", buf);
	}
	if (is(line, "raw ")) { /* the rest of what was sent comes through preforkd_read() */
		int left = atoi(line + 4);

		while (left > 0 &&
		       (n = preforkd_read(conn, buf, left < (int)sizeof(buf) ? (size_t)left : sizeof(buf))) > 0) {
			if (preforkd_write(conn, buf, (size_t)n) < 0)
				return -1;
			left -= (int)n;
		}
		return left > 0 ? -1 : 0;
	}
	if (is(line, "deadline ")) {
		preforkd_deadline(conn, atoll(line + 9));
		return preforkd_printf(conn, "ok\n");
	}
	if (is(line, "nap ")) { /* what does not look at the connection */
		struct timespec nap = {.tv_nsec = atoi(line + 4) * 1000000L};

		while (nanosleep(&nap, &nap) < 0)
			;
		return 0;
	}
	if (is(line, "nothing")) /* is read, and why it ends is not said */
		return preforkd_read(conn, buf, 0) == 0 ? preforkd_printf(conn, "nothing\n") - 1 : -1;
	if (is(line, "fail "))
		return preforkd_fail(conn, "%s", line + 5);
	if (is(line, "log ")) {
		preforkd_log(conn, LOG_NOTICE, "%s", line + 4);
		preforkd_log(NULL, LOG_NOTICE, "alone: %s", line + 4);
		return 0;
	}
	if (is(line, "crash"))
		(void)raise(SIGSEGV);
	if (is(line, "exit "))
		exit(atoi(line + 5));
	if (is(line, "big")) {
		n = preforkd_printf(conn, "%5000s", "x");
		return preforkd_printf(conn, "%d %s\n", (int)n, errno == EMSGSIZE ? "EMSGSIZE" : "?");
	}
	return preforkd_printf(conn, "[%s]\n", line);
}

static int serve(struct preforkd_conn *conn)
{
	char line[40];
	size_t len;
	int got;

	while ((got = preforkd_read_line(conn, line, sizeof(line), &len)) > 0)
		if (len != strlen(line) || obey(conn, line) < 0)
			return -1;
	if (got < 0 && errno == EMSGSIZE)
		(void)preforkd_printf(conn, "too long\n");
	return got;
}

const struct preforkd_module preforkd_module = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(preforkd_module),
	.name = "probe",
	.summary = "does what it is told",
	.flags = PREFORKD_STREAM,
	.serve = serve,
	.worker_start = worker_start,
	.options = table,
	.options_size = sizeof(struct options),
	.counters = counters,
	.init = init,
	.fini = fini,
	.worker_stop = worker_stop,
	.timer = timer,
	.timer_ms = 50,
};
