/* SPDX-License-Identifier: MIT */
/* Descriptors as systemd would hand them over: from 3 up, with LISTEN_* in the environment. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "net/inherited.h"

#include "../suite.h"

#define HANDED_MAX 4

static struct inherited_set set;
static struct err err;
static struct sockaddr_any addrs[HANDED_MAX];

/* Puts a listener on descriptor 3 + I. */
static void hand_over(int i, bool listening)
{
	struct sockaddr_any *addr = &addrs[i];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*addr = (struct sockaddr_any){.len = sizeof(addr->in)};
	addr->in.sin_family = AF_INET;
	addr->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, &addr->sa, addr->len), 0);
	ck_assert_int_eq(getsockname(fd, &addr->sa, &addr->len), 0);
	if (listening)
		ck_assert_int_eq(listen(fd, 1), 0);
	if (fd == 3 + i)
		return;
	ck_assert_int_eq(dup2(fd, 3 + i), 3 + i);
	(void)close(fd);
}

static void announce(const char *count, const char *names)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", count, 1);
	if (names != NULL)
		(void)setenv("LISTEN_FDNAMES", names, 1);
}

static void setup(void)
{
	(void)close_range(3, 2 + HANDED_MAX, 0);
}

START_TEST(nothing_is_nothing)
{
	ck_assert_int_eq(inherited_import(&set, &err), 0);
	ck_assert_uint_eq(set.n, 0);
}
END_TEST

START_TEST(names_and_addresses_claim_each_once)
{
	struct sockaddr_any where;
	bool datagram;

	hand_over(0, true);
	hand_over(1, true);
	announce("2", "web:mail");
	ck_assert_int_eq(inherited_import(&set, &err), 0);
	ck_assert_uint_eq(set.n, 2);
	ck_assert_int_eq(inherited_by_name(&set, "none", &where, &datagram), -1);
	ck_assert_int_eq(inherited_by_name(&set, "mail", &where, &datagram), 4);
	ck_assert(addr_equal(&where, &addrs[1]));
	ck_assert_int_eq(inherited_by_name(&set, "mail", &where, &datagram), -1);
	ck_assert_int_eq(inherited_by_addr(&set, &addrs[1], false), -1);
	ck_assert_int_eq(inherited_by_addr(&set, &addrs[0], false), 3);
	ck_assert_int_eq(inherited_by_addr(&set, &addrs[0], false), -1);
}
END_TEST

START_TEST(one_name_for_two_sockets_gives_both)
{
	struct sockaddr_any where;
	bool datagram;

	hand_over(0, true);
	hand_over(1, true);
	announce("2", "web:web");
	ck_assert_int_eq(inherited_import(&set, &err), 0);
	ck_assert_int_eq(inherited_by_name(&set, "web", &where, &datagram), 3);
	ck_assert_int_eq(inherited_by_name(&set, "web", &where, &datagram), 4);
}
END_TEST

START_TEST(without_names_addresses_do)
{
	hand_over(0, true);
	announce("1", NULL);
	ck_assert_int_eq(inherited_import(&set, &err), 0);
	ck_assert_str_eq(set.items[0].name, "unknown");
	ck_assert_int_eq(inherited_by_addr(&set, &addrs[0], false), 3);
}
END_TEST

START_TEST(variables_go_and_descriptors_are_close_on_exec)
{
	hand_over(0, true);
	announce("1", "web");
	ck_assert_int_eq(inherited_import(&set, &err), 0);
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_ptr_null(getenv("LISTEN_PID"));
	ck_assert_ptr_null(getenv("LISTEN_FDNAMES"));
	ck_assert_int_ne(fcntl(3, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(what_does_not_fit_is_said_and_never_claimed)
{
	struct sockaddr_any where;
	bool datagram;

	hand_over(0, false);
	ck_assert_int_eq(open("/dev/null", O_RDONLY), 4);
	announce("2", "web:web");
	ck_assert_int_eq(inherited_import(&set, &err), 0);
	ck_assert_str_eq(set.items[0].unfit, "it does not listen");
	ck_assert_str_eq(set.items[1].unfit, "it is no socket");
	ck_assert_int_eq(inherited_by_name(&set, "web", &where, &datagram), -1);
	ck_assert_int_eq(inherited_by_addr(&set, &addrs[0], false), -1);
	inherited_clear(&set);
	ck_assert_int_eq(fcntl(3, F_GETFD), -1);
	ck_assert_int_eq(fcntl(4, F_GETFD), -1);
}
END_TEST

START_TEST(names_that_do_not_match_the_count_are_an_error)
{
	hand_over(0, true);
	announce("1", "web:mail:more");
	ck_assert_int_eq(inherited_import(&set, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "LISTEN_FDNAMES"));
}
END_TEST

int main(void)
{
	/* keeps the test runner's own descriptors out of the way */
	for (int i = 0; i < HANDED_MAX; i++)
		(void)open("/dev/null", O_RDONLY | O_CLOEXEC);
	return SUITE_RUN("inherited", setup, nothing_is_nothing, names_and_addresses_claim_each_once,
			 one_name_for_two_sockets_gives_both, without_names_addresses_do,
			 variables_go_and_descriptors_are_close_on_exec, what_does_not_fit_is_said_and_never_claimed,
			 names_that_do_not_match_the_count_are_an_error);
}
