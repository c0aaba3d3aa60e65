/* SPDX-License-Identifier: MIT */
/* Lines go through a socket that the test holds; see log_sink.h for what is promised. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_sink.h"

#include "../suite.h"

static char path[64];
static int reader;

static void bind_reader(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	(void)unlink(path);
	reader = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(reader, (struct sockaddr *)&un, sizeof(un)), 0);
}

static void setup(void)
{
	(void)snprintf(path, sizeof(path), "/tmp/check_log.%d", (int)getpid());
	bind_reader();
}

static bool send_text(struct log_sink *sink, const char *text)
{
	struct iovec iov = {.iov_base = (char *)text, .iov_len = strlen(text)};

	return log_sink_send(sink, &iov, 1);
}

static const char *receive(void)
{
	static char buf[4096];
	ssize_t n = recv(reader, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

START_TEST(a_line_arrives)
{
	struct log_sink sink = {.fd = -1};

	log_sink_open(&sink, path);
	ck_assert(send_text(&sink, "hello"));
	ck_assert_str_eq(receive(), "hello");
	(void)unlink(path);
}
END_TEST

START_TEST(a_stalled_reader_costs_one_short_wait)
{
	struct log_sink sink = {.fd = -1};
	int64_t begin;
	int sent = 0;

	log_sink_open(&sink, path);
	begin = clock_ms();
	while (send_text(&sink, "filling the queue"))
		ck_assert_int_lt(++sent, 100000);
	ck_assert_int_ge(clock_ms() - begin, LOG_SINK_PATIENCE_MS);
	/* from now on nothing is waited for */
	begin = clock_ms();
	for (int i = 0; i < 1000; i++)
		ck_assert(!send_text(&sink, "lost"));
	ck_assert_int_lt(clock_ms() - begin, 1000 * LOG_SINK_PATIENCE_MS / 2);
	/* and it recovers when the reader reads */
	while (receive()[0] != '\0')
		;
	ck_assert(send_text(&sink, "again"));
	ck_assert_str_eq(receive(), "again");
	(void)unlink(path);
}
END_TEST

START_TEST(a_full_pipe_costs_one_short_wait)
{
	struct log_sink sink = {.fd = -1};
	int64_t begin;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], 2), 2);
	log_sink_open(&sink, NULL);
	while (send_text(&sink, "a pipe holds only so much of it"))
		;
	begin = clock_ms();
	for (int i = 0; i < 1000; i++)
		ck_assert(!send_text(&sink, "lost"));
	ck_assert_int_lt(clock_ms() - begin, 1000 * LOG_SINK_PATIENCE_MS / 2);
}
END_TEST

START_TEST(a_restarted_reader_is_found_again)
{
	struct log_sink sink = {.fd = -1};

	log_sink_open(&sink, path);
	ck_assert(send_text(&sink, "one"));
	(void)close(reader);
	ck_assert(!send_text(&sink, "nobody"));
	bind_reader();
	ck_assert(send_text(&sink, "two"));
	ck_assert_str_eq(receive(), "two");
	(void)unlink(path);
}
END_TEST

START_TEST(a_reader_that_was_never_there_is_no_error)
{
	struct log_sink sink = {.fd = -1};

	(void)unlink(path);
	log_sink_open(&sink, path);
	ck_assert(!send_text(&sink, "lost"));
	bind_reader();
	ck_assert(send_text(&sink, "late"));
	ck_assert_str_eq(receive(), "late");
	(void)unlink(path);
}
END_TEST

/* Runs WRITE with standard error in a pipe, and returns what it wrote. */
static const char *captured(void (*write_lines)(void))
{
	static char buf[65536];
	int ends[2], saved = dup(2);
	ssize_t n;

	ck_assert_int_eq(pipe(ends), 0);
	(void)dup2(ends[1], 2);
	log_open(LOG_TO_STDERR, LOG_DAEMON, true);
	write_lines();
	(void)dup2(saved, 2);
	(void)close(ends[1]);
	n = read(ends[0], buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = '\0';
	(void)close(ends[0]);
	return buf;
}

static void write_evil(void)
{
	struct log_about about = {.service = "echo", .peer = "unix:@a\nb"};

	log_about(LOG_NOTICE, &about, "said %s", "x\n\x1b[2Jfake line");
}

START_TEST(nothing_reaches_a_line_unescaped)
{
	const char *text = captured(write_evil);

	ck_assert_ptr_nonnull(strstr(text, "echo unix:@a\\x0ab: said x\\x0a\\x1b[2Jfake line\n"));
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
}
END_TEST

static void write_long(void)
{
	static char big[10000];

	memset(big, 'x', sizeof(big) - 1);
	log_msg(LOG_NOTICE, "%s", big);
}

START_TEST(a_long_line_is_cut)
{
	const char *text = captured(write_long);

	ck_assert_uint_lt(strlen(text), LOG_LINE_MAX + 128);
	ck_assert_ptr_nonnull(strstr(text, "x...\n"));
}
END_TEST

static void write_levels(void)
{
	log_set_level(LOG_WARNING);
	log_msg(LOG_INFO, "unseen");
	log_msg(LOG_WARNING, "seen");
}

START_TEST(the_level_decides)
{
	const char *text = captured(write_levels);

	ck_assert_ptr_null(strstr(text, "unseen"));
	ck_assert_ptr_nonnull(strstr(text, "warning: seen"));
}
END_TEST

START_TEST(names_are_both_ways)
{
	ck_assert_int_eq(log_level_by_name("notice"), LOG_NOTICE);
	ck_assert_str_eq(log_level_name(LOG_ERR), "err");
	ck_assert_int_eq(log_facility_by_name("local3"), LOG_LOCAL3);
	ck_assert_str_eq(log_facility_name(LOG_AUTHPRIV), "authpriv");
	ck_assert_int_eq(log_target_by_name("journal"), LOG_TO_JOURNAL);
	ck_assert_str_eq(log_target_name(LOG_TO_AUTO), "auto");
	ck_assert_int_eq(log_target_by_name("nowhere"), -1);
	ck_assert_int_eq(log_level_by_name(""), -1);
}
END_TEST

START_TEST(a_limit_counts_what_it_holds_back)
{
	struct log_limit limit = {.next_ms = 0};
	unsigned missed = 99;

	ck_assert(log_limit(&limit, &missed));
	ck_assert_uint_eq(missed, 0);
	for (int i = 0; i < 5; i++)
		ck_assert(!log_limit(&limit, &missed));
	limit.next_ms = 0; /* ten seconds later */
	ck_assert(log_limit(&limit, &missed));
	ck_assert_uint_eq(missed, 5);
}
END_TEST

int main(void)
{
	return SUITE_RUN("log", setup, a_line_arrives, a_stalled_reader_costs_one_short_wait,
			 a_full_pipe_costs_one_short_wait, a_restarted_reader_is_found_again,
			 a_reader_that_was_never_there_is_no_error, nothing_reaches_a_line_unescaped,
			 a_long_line_is_cut, the_level_decides, names_are_both_ways, a_limit_counts_what_it_holds_back);
}
