/* SPDX-License-Identifier: MIT */
/* The order of upstreams, and what workers tell each other about them. */
#include "services/upstreams.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "board/board.h"
#include "board/targets.h"
#include "config/config.h"
#include "services/balance.h"
#include "services/upstream_addresses.h"

#include "../suite.h"

static struct config_service service;
static struct addr list[4];
static struct board board;
static struct sockaddr_any client;
static uint8_t order[CONFIG_UPSTREAMS_MOST];
static int fd;

static struct sockaddr_any address(const char *text)
{
	struct sockaddr_any out;
	struct addr addr;

	ck_assert_int_eq(addr_parse(text, &addr, NULL), 0);
	ck_assert_int_eq(addr_resolve(&addr, &out, 1, NULL), 1);
	return out;
}

static void setup(void)
{
	static const char *const texts[] = {"127.0.0.1:1", "127.0.0.1:2", "unix:@c", "name.invalid:4"};
	struct err err;

	log_set_level(LOG_EMERG);
	service.name = (char *)"test";
	service.access.prefix4 = 32;
	service.access.prefix6 = 64;
	service.upstreams = (struct config_upstreams){
		.list = list, .n = 4, .connect_timeout = 1000, .resolve = 60000, .pause = 100};
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(addr_parse(texts[i], &list[i], &err), 0);
	ck_assert_int_eq(board_create(&board, 1, 8, &err), 0);
	fd = targets_create(4, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_msg(upstreams_begin(&service, fd, &board, &board.slots[0], &err) == 0, "%s", err.text);
	client = address("192.0.2.1:1000");
}

/* The memory as another worker of the service sees it. */
static struct target *other(size_t i)
{
	static struct targets targets;

	if (targets.head == NULL)
		ck_assert_int_eq(targets_map(&targets, fd, 4, NULL), 0);
	return &targets.target[i];
}

static void expect(const char *text)
{
	char got[16] = "";

	ck_assert_uint_eq(upstreams_order(&client, order), 4);
	for (size_t i = 0; i < 4; i++)
		got[i] = (char)('0' + order[i]);
	ck_assert_str_eq(got, text);
}

START_TEST(in_turn)
{
	service.upstreams.balance = BALANCE_ROUND_ROBIN;
	expect("0123");
	expect("1230");
	expect("2301");
	expect("3012");
	expect("0123");
}
END_TEST

/* Resting upstreams have no turn, and the one after them gets no more turns than the others. */
START_TEST(in_turn_without_one)
{
	unsigned counts[4] = {0};

	service.upstreams.balance = BALANCE_ROUND_ROBIN;
	other(1)->until_ms = clock_ms() + 1000;
	for (int i = 0; i < 12; i++) {
		ck_assert_uint_eq(upstreams_order(&client, order), 4);
		counts[order[0]]++;
	}
	ck_assert(counts[0] == 4 && counts[1] == 0 && counts[2] == 4 && counts[3] == 4);
	for (size_t i = 0; i < 4; i++)
		other(i)->until_ms = clock_ms() + 1000;
	expect("0123"); /* all are resting */
	expect("1230");
}
END_TEST

START_TEST(the_first_that_works)
{
	service.upstreams.balance = BALANCE_FAILOVER;
	expect("0123");
	expect("0123");
}
END_TEST

static void occupy(size_t slot, enum slot_state state, uint32_t target)
{
	board.slots[slot].state = state;
	board.slots[slot].target = target;
}

START_TEST(the_least_busy)
{
	service.upstreams.balance = BALANCE_LEAST_BUSY;
	occupy(1, SLOT_BUSY, 1);
	occupy(2, SLOT_BUSY, 1);
	occupy(3, SLOT_BUSY, 3);
	occupy(4, SLOT_BUSY, 4);
	occupy(5, SLOT_BUSY, 4);
	occupy(6, SLOT_BUSY, 4);
	expect("1203");
	occupy(4, SLOT_IDLE, 4); /* the slot of a worker that is not busy does not count */
	occupy(5, SLOT_FREE, 4);
	occupy(6, SLOT_BUSY, 77);
	expect("1320");
	occupy(1, SLOT_FREE, 0);
	occupy(2, SLOT_FREE, 0);
	occupy(3, SLOT_FREE, 0);
	expect("2301"); /* equals take turns */
	expect("3012");
}
END_TEST

START_TEST(our_own_connection_is_seen)
{
	upstreams_taken(2);
	ck_assert_uint_eq(board.slots[0].target, 3);
	upstreams_left();
	ck_assert_uint_eq(board.slots[0].target, 0);
}
END_TEST

static uint8_t first_for(const char *from)
{
	client = address(from);
	(void)upstreams_order(&client, order);
	return order[0];
}

START_TEST(by_source)
{
	unsigned seen = 0, counts[4] = {0};
	char text[64];

	service.upstreams.balance = BALANCE_SOURCE;
	for (int i = 0; i < 400; i++) {
		uint8_t first;

		(void)snprintf(text, sizeof(text), "10.0.%d.%d:%d", i / 256, i % 256, 1000 + i);
		first = first_for(text);
		counts[first]++;
		(void)snprintf(text, sizeof(text), "10.0.%d.%d:7", i / 256, i % 256);
		ck_assert_uint_eq(first_for(text), first);
		(void)snprintf(text, sizeof(text), "[::ffff:10.0.%d.%d]:7", i / 256, i % 256);
		ck_assert_uint_eq(first_for(text), first);
	}
	for (int i = 0; i < 4; i++)
		ck_assert_msg(counts[i] > 60 && counts[i] < 140, "%d: %u of 400", i, counts[i]);
	for (int i = 0; i < 50; i++) {
		(void)snprintf(text, sizeof(text), "[2001:db8::%x:1]:7", i);
		seen |= 1U << first_for(text);
	}
	ck_assert_msg((seen & (seen - 1)) == 0, "one network is one source: %x", seen);
	service.access.prefix4 = 24;
	ck_assert_uint_eq(first_for("10.1.1.1:1"), first_for("10.1.1.255:1"));
}
END_TEST

/* The others keep their order. */
START_TEST(a_list_without_one)
{
	const bool resting[3] = {false};
	uint64_t names[3];
	struct balance full = {.how = BALANCE_SOURCE, .n = 3, .resting = resting, .names = names}, less;
	uint8_t a[3], b[2];

	names[0] = balance_name("a");
	names[1] = balance_name("b");
	names[2] = balance_name("c");
	less = full;
	less.n = 2;
	for (uint64_t i = 0; i < 200; i++) {
		full.source = less.source = i * 7919;
		balance_order(&full, a);
		balance_order(&less, b);
		for (int k = 0, m = 0; k < 3; k++)
			if (a[k] != 2)
				ck_assert_uint_eq(a[k], b[m++]);
	}
}
END_TEST

START_TEST(left_alone_for_a_while)
{
	int64_t start = clock_ms();

	ck_assert(upstreams_may_try(0));
	upstreams_failed(0, "for a test");
	ck_assert(!upstreams_may_try(0) && upstreams_may_try(1));
	ck_assert_int_ge(other(0)->until_ms, start + 100);
	while (clock_ms() <= start + 110)
		(void)usleep(1000);
	ck_assert(upstreams_may_try(0)); /* one caller may */
	ck_assert(!upstreams_may_try(0));
	upstreams_works(0);
	ck_assert(upstreams_may_try(0) && upstreams_may_try(0));
	ck_assert_int_eq(other(0)->until_ms, 0);
}
END_TEST

/* The worker that claimed the try could not make it. */
START_TEST(not_tried_after_all)
{
	ck_assert(upstreams_may_try(0));
	upstreams_untried(0);
	ck_assert_int_eq(other(0)->until_ms, 0);
	other(0)->until_ms = clock_ms();
	ck_assert(upstreams_may_try(0));
	upstreams_untried(0);
	ck_assert_int_le(other(0)->until_ms, clock_ms());
	ck_assert(upstreams_may_try(0));
	upstreams_failed(0, "for a test");
	upstreams_untried(0); /* the claim is another worker's */
	ck_assert(!upstreams_may_try(0));
}
END_TEST

/* A worker that ran wild cannot put an upstream out of service. */
START_TEST(nonsense_is_not_believed)
{
	struct sockaddr_any out[TARGET_ADDRESSES], one = address("192.0.2.4:4");
	struct err err;

	other(1)->until_ms = clock_ms() + INT64_C(1000000000);
	ck_assert(upstreams_may_try(1));
	target_set_addresses(other(3), &one, 1);
	ck_assert_uint_eq(target_addresses(other(3), out, NULL, TARGET_ADDRESSES), 1);
	other(3)->n = 4000000000U;
	ck_assert_uint_le(target_addresses(other(3), out, NULL, TARGET_ADDRESSES), TARGET_ADDRESSES);
	for (int i = 0; i < 8; i++)
		other(3)->address[i][2] = 77; /* an unknown family */
	ck_assert_uint_eq(target_addresses(other(3), out, NULL, TARGET_ADDRESSES), 0);
	(void)err;
}
END_TEST

START_TEST(addresses)
{
	struct upstream_addresses out;
	struct sockaddr_any two[2];
	struct err err;

	ck_assert_int_eq(upstreams_addresses(0, -1, &out, &err), 0);
	ck_assert_uint_eq(out.n, 1);
	ck_assert_uint_eq(addr_port(&out.at[0]), 1);
	ck_assert_int_eq(upstreams_addresses(2, -1, &out, &err), 0);
	ck_assert_uint_eq(out.n, 1);
	ck_assert_int_eq(out.at[0].sa.sa_family, AF_UNIX);
	/* a name that another worker has looked up */
	two[0] = address("192.0.2.4:4");
	two[1] = address("[2001:db8::4]:4");
	target_set_addresses(other(3), two, 2);
	other(3)->fresh_until_ms = clock_ms() + 60000;
	ck_assert_int_eq(upstreams_addresses(3, -1, &out, &err), 0);
	ck_assert_uint_eq(out.n, 2);
	ck_assert(addr_equal(&out.at[0], &two[0]) && addr_equal(&out.at[1], &two[1]));
}
END_TEST

START_TEST(a_last_address_is_kept)
{
	struct sockaddr_any one = address("192.0.2.4:4");
	struct upstream_addresses out;
	struct err err;

	ck_assert_int_eq(upstreams_addresses(3, -1, &out, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot resolve name.invalid"));
	target_set_addresses(other(3), &one, 1);
	other(3)->fresh_until_ms = 0;
	ck_assert_int_eq(upstreams_addresses(3, -1, &out, &err), 0);
	ck_assert_uint_eq(out.n, 1);
	ck_assert(addr_equal(&out.at[0], &one));
	ck_assert_uint_eq(other(3)->kept, 1);
	ck_assert_int_gt(other(3)->fresh_until_ms, clock_ms() + 50000); /* not asked again at once */
}
END_TEST

/* After a writer has died in the middle, nobody reads half of its data, and another can write after a while. */
START_TEST(a_dead_writer)
{
	struct sockaddr_any out[TARGET_ADDRESSES], one = address("192.0.2.4:4");

	target_set_addresses(other(3), &one, 1);
	other(3)->version = other(3)->version + 1;
	other(3)->writing_ms = clock_ms() + 50;
	ck_assert_uint_eq(target_addresses(other(3), out, NULL, TARGET_ADDRESSES), 0);
	target_set_addresses(other(3), &one, 1);
	ck_assert_uint_eq(target_addresses(other(3), out, NULL, TARGET_ADDRESSES), 0);
	(void)usleep(60000);
	target_set_addresses(other(3), &one, 1);
	ck_assert_uint_eq(target_addresses(other(3), out, NULL, TARGET_ADDRESSES), 1);
}
END_TEST

START_TEST(another_number_of_targets)
{
	struct targets targets;
	struct err err;

	ck_assert_int_eq(targets_map(&targets, fd, 5, &err), -1);
	ck_assert_ptr_null(targets.head);
}
END_TEST

/* One memset of a worker must not end the service: the master's number of targets counts. */
START_TEST(a_head_that_was_written_over)
{
	struct targets targets;
	struct err err;

	ck_assert_int_eq(targets_map(&targets, fd, 4, &err), 0);
	memset(targets.head, 0xff, sizeof(*targets.head));
	targets_unmap(&targets);
	ck_assert_int_eq(targets_map(&targets, fd, 4, &err), 0);
	ck_assert_uint_eq(targets.n, 4);
	targets_unmap(&targets);
}
END_TEST

START_TEST(copied)
{
	struct sockaddr_any out[TARGET_ADDRESSES], one = address("192.0.2.4:4");

	target_set_addresses(other(3), &one, 1);
	other(3)->fresh_until_ms = 5;
	other(3)->until_ms = 6;
	other(3)->kept = 1;
	target_copy(other(1), other(3));
	ck_assert_uint_eq(target_addresses(other(1), out, NULL, TARGET_ADDRESSES), 1);
	ck_assert(addr_equal(&out[0], &one));
	ck_assert(other(1)->fresh_until_ms == 5 && other(1)->until_ms == 6 && other(1)->kept == 1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("upstreams", setup, in_turn, in_turn_without_one, the_first_that_works, the_least_busy,
			 our_own_connection_is_seen, by_source, a_list_without_one, left_alone_for_a_while,
			 not_tried_after_all, nonsense_is_not_believed, addresses, a_last_address_is_kept,
			 a_dead_writer, another_number_of_targets, a_head_that_was_written_over, copied);
}
