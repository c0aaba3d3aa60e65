/* SPDX-License-Identifier: MIT */
/* Asking systemd where nobody answers: it is given up in time, and keeps nobody from ending. */
#include "base/unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

#include "../suite.h"

#define SOON_MS 3000 /* the library's own patience is 25 s */

static char folder[] = "/tmp/check_unit.XXXXXX";
static struct sockaddr_un bus = {.sun_family = AF_UNIX};
static const struct unit unit = {.name = "x.service"};
static struct limits limits;
static int answers;

/* An ordinary user on a host with systemd: it is asked over the system bus, which is ours. */
uid_t __wrap_geteuid(void);
int __wrap_sd_booted(void);

uid_t __wrap_geteuid(void)
{
	return 4711;
}

int __wrap_sd_booted(void)
{
	return 1;
}

static void set_up(void)
{
	char address[160];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(bus.sun_path, sizeof(bus.sun_path), "%s/bus", folder);
	(void)snprintf(address, sizeof(address), "unix:path=%s", bus.sun_path);
	ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1), 0);
	limits_init(&limits);
}

static void tear_down(void)
{
	(void)unlink(bus.sun_path);
	(void)rmdir(folder);
}

/* Somebody who takes connections and says nothing. */
static int silent_bus(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&bus, sizeof(bus)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

static void on_answer(const struct limits *got, void *userdata)
{
	(void)userdata;
	ck_assert_ptr_null(got);
	answers++;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)usec;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 7);
}

START_TEST(no_bus)
{
	ck_assert(!unit_ask_now(&unit, 10000, &limits, NULL));
	ck_assert_int_eq(limits.stop_ms, -1);
}
END_TEST

START_TEST(silence_is_given_up)
{
	int64_t begin = clock_ms();
	int fd = silent_bus();

	ck_assert(!unit_ask_now(&unit, 200, &limits, NULL));
	ck_assert_int_ge(clock_ms() - begin, 190);
	ck_assert_int_lt(clock_ms() - begin, SOON_MS);
	(void)close(fd);
}
END_TEST

/* A bus that ends: there is one answer, and it is none. */
START_TEST(a_bus_that_hangs_up)
{
	int fd = silent_bus(), client;
	struct unit_query *query;
	sd_event *event;

	ck_assert_int_ge(sd_event_new(&event), 0);
	query = unit_ask(event, &unit, on_answer, NULL);
	ck_assert_ptr_nonnull(query);
	client = accept(fd, NULL, NULL);
	ck_assert_int_ge(client, 0);
	(void)close(client);
	for (int i = 0; answers == 0 && i < 50; i++)
		ck_assert_int_ge(sd_event_run(event, 100000), 0);
	ck_assert_int_eq(answers, 1);
	unit_query_free(&query);
	ck_assert_ptr_null(query);
	(void)sd_event_unref(event);
	(void)close(fd);
}
END_TEST

START_TEST(silence_does_not_hold_up_the_end)
{
	int64_t begin = clock_ms();
	int fd = silent_bus();
	struct unit_query *query;
	sd_event *event;

	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_ge(sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, 100000, 1000, on_time, NULL), 0);
	query = unit_ask(event, &unit, on_answer, NULL);
	ck_assert_ptr_nonnull(query);
	ck_assert_int_eq(sd_event_loop(event), 7);
	unit_query_free(&query);
	(void)sd_event_unref(event);
	ck_assert_int_lt(clock_ms() - begin, SOON_MS);
	ck_assert_int_eq(answers, 0);
	(void)close(fd);
}
END_TEST

START_TEST(none_of_systemd)
{
	struct unit own;

	ck_assert_int_eq(unsetenv("INVOCATION_ID"), 0);
	ck_assert(!unit_own(&own));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unit");
	TCase *tc = tcase_create("unit");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, SUITE_SECONDS);
	tcase_add_test(tc, no_bus);
	tcase_add_test(tc, silence_is_given_up);
	tcase_add_test(tc, a_bus_that_hangs_up);
	tcase_add_test(tc, silence_does_not_hold_up_the_end);
	tcase_add_test(tc, none_of_systemd);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
