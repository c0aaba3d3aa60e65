/* SPDX-License-Identifier: MIT */
/* The gate: which clients are let in, where they are counted, and how they leave. */
#include <poll.h>
#include <preforkd/module.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/sources.h"
#include "gate/gate.h"
#include "net/networks.h"
#include "services/conn.h"
#include "services/deadline.h"

#include "../peers.h"
#include "../suite.h"
#include "gate_case.h"

/* ---- clients that waited in the queue ---- */

static const struct preforkd_module handler = {.flags = PREFORKD_STREAM};

static int tcp_listener(struct sockaddr_any *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*addr = at("127.0.0.1");
	ck_assert_int_eq(bind(fd, &addr->sa, addr->len), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, &addr->sa, &addr->len), 0);
	return fd;
}

static int tcp_client(const struct sockaddr_any *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, &to->sa, to->len), 0);
	return fd;
}

/* A silent client is refused only if others wait, if this worker was the last idle one, and if it has not closed. */
struct queued {
	bool speaks, leaves, others, last_idle;
	enum refusal expected;
};

static void come_from_the_queue(const struct queued *how)
{
	struct sockaddr_any addr;
	struct visit visit;
	int listener = tcp_listener(&addr), other = -1;

	visit.client = tcp_client(&addr);
	if (how->speaks)
		ck_assert_int_eq(send(visit.client, "x", 1, 0), 1);
	if (how->leaves)
		ck_assert_int_eq(shutdown(visit.client, SHUT_WR), 0);
	(void)poll(NULL, 0, 100); /* the time in the queue is tested */
	visit.gate = (struct gate){
		.head = board.head, .lane = &board.lanes[0], .slot = &board.slots[0], .listener = listener};
	gate_open(&visit.gate, &service, sources, 0);
	conn_begin(&visit.conn, accept(listener, NULL, NULL), &addr, &service, &board.slots[0]);
	if (how->others)
		other = tcp_client(&addr);
	ck_assert_int_eq(gate_admit(&visit.gate, &visit.conn, how->last_idle), how->expected);
	deadline_end();
	(void)close(visit.conn.fd);
	(void)close(visit.client);
	(void)close(other);
	(void)close(listener);
}

START_TEST(silent_in_the_queue)
{
	static const struct queued cases[] = {
		{.others = true, .last_idle = true, .expected = REFUSED_QUEUED_SILENT},
		{.others = true},
		{.last_idle = true},
		{.others = true, .last_idle = true, .speaks = true},
		{.others = true, .last_idle = true, .leaves = true},
	};

	service.handler = &handler;
	service.timeouts.first_byte = 60000;
	service.timeouts.first_byte_busy = 50;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		come_from_the_queue(&cases[i]);
}
END_TEST

static void prepare_seats(size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(sources_seat_take(sources), (int)i);
}

static size_t seated(void)
{
	return sources_taken(sources, 1).all;
}

START_TEST(folded)
{
	struct visit visit;

	service.access.rules = network("10.0.0.0/8", 1);
	service.access.rule = rules;
	service.access.n_rules = 2;
	ck_assert_int_eq(ask(&visit, 0, "::ffff:10.2.3.4"), REFUSED_DENIED);
	ck_assert_int_eq(visit.conn.peer.sa.sa_family, AF_INET);
	ck_assert_ptr_eq(visit.gate.visit.verdict.rule, &rules[1]);
	ck_assert_int_eq(ask(&visit, 1, "::ffff:11.2.3.4"), REFUSED_NOT);
}
END_TEST

/* Without configured limits nothing is looked up, not even in the tables. */
START_TEST(nothing_configured)
{
	struct visit visit;

	ck_assert_int_eq(ask(&visit, 0, "10.2.3.4"), REFUSED_NOT);
	ck_assert_uint_eq(visit.gate.needs, 0);
	ck_assert_uint_eq(visit.gate.visit.key, 0);
}
END_TEST

START_TEST(seats)
{
	struct visit visits[4];

	prepare_seats(4);
	service.access.per_source = 2;
	ck_assert_int_eq(ask(&visits[0], 0, "10.0.0.1"), REFUSED_NOT);
	ck_assert_int_eq(ask(&visits[1], 1, "10.0.0.1"), REFUSED_NOT);
	ck_assert_int_eq(ask(&visits[2], 2, "::ffff:10.0.0.1"), REFUSED_PER_SOURCE);
	ck_assert_uint_eq(visits[2].gate.visit.taken.same, 2);
	ck_assert_int_eq(ask(&visits[3], 3, "10.0.0.2"), REFUSED_NOT);
	ck_assert_uint_eq(seated(), 3);
	go(&visits[0]);
	ck_assert_int_eq(ask(&visits[2], 2, "10.0.0.1"), REFUSED_NOT);
	go(&visits[1]);
	go(&visits[2]);
	go(&visits[3]);
	ck_assert_uint_eq(seated(), 0);
}
END_TEST

/* For a source without a free seat the worker waits a moment, but not each time: the source could hold one worker after
 * the other. */
START_TEST(in_vain_once)
{
	struct visit held, visit;
	int64_t start;

	prepare_seats(2);
	service.access.per_source = 1;
	ck_assert_int_eq(ask(&held, 0, "10.0.0.1"), REFUSED_NOT);
	come(&visit, 1, "10.0.0.1");
	start = clock_ms();
	ck_assert_int_eq(gate_admit(&visit.gate, &visit.conn, false), REFUSED_PER_SOURCE);
	ck_assert_int_ge(clock_ms() - start, 14); /* 1 + 2 + 4 + 8 */
	start = clock_ms();
	for (int i = 0; i < 60; i++)
		ck_assert_int_eq(gate_admit(&visit.gate, &visit.conn, false), REFUSED_PER_SOURCE);
	ck_assert_int_lt(clock_ms() - start, 60 * 14);
	go(&held);
	go(&visit);
}
END_TEST

/* A client that a rate refuses does not keep its seat, and takes nothing of the rate. */
START_TEST(rates)
{
	struct visit visits[3];

	prepare_seats(3);
	service.access.per_source = 8;
	service.access.per_source_rate = (struct rate){.n = 1, .per_ms = 3600000};
	service.access.rate = (struct rate){.n = 2, .per_ms = 3600000};
	ck_assert_int_eq(ask(&visits[0], 0, "10.0.0.1"), REFUSED_NOT);
	ck_assert_int_eq(ask(&visits[1], 1, "10.0.0.1"), REFUSED_PER_SOURCE_RATE);
	ck_assert_int_gt(visits[1].gate.visit.verdict.wait_ms, 3500000);
	ck_assert_uint_eq(seated(), 1);
	ck_assert_int_eq(ask(&visits[1], 1, "10.0.0.2"), REFUSED_NOT); /* the second one of the service */
	ck_assert_int_eq(ask(&visits[2], 2, "10.0.0.3"), REFUSED_RATE);
	ck_assert_uint_eq(seated(), 2);
	/* the rate of its own source was not taken from */
	ck_assert_int_eq(
		sources_rate_wait(sources, visits[2].gate.visit.key, &service.access.per_source_rate, clock_us()), 0);
}
END_TEST

/* A client that is exempt from rates takes nothing of them: others have all of it. */
START_TEST(rates_and_the_exempt)
{
	struct visit visit;

	prepare_seats(1);
	service.access.exempt = network("10.0.0.0/8", 0);
	service.access.per_source_rate = (struct rate){.n = 2, .per_ms = 3600000};
	service.access.rate = (struct rate){.n = 1, .per_ms = 3600000};
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(ask(&visit, 0, "10.0.0.1"), REFUSED_NOT);
	ck_assert_int_eq(sources_rate_wait(sources, visit.gate.visit.key, &service.access.per_source_rate, clock_us()),
			 0);
	ck_assert_int_eq(ask(&visit, 0, "11.0.0.1"), REFUSED_NOT);
	ck_assert_int_eq(ask(&visit, 0, "11.0.0.1"), REFUSED_RATE);
	ck_assert_int_eq(ask(&visit, 0, "10.0.0.1"), REFUSED_NOT);
}
END_TEST

static int64_t present_load;

static int64_t read_load(void)
{
	return present_load;
}

static enum refusal ask_at(int64_t load, const char *from)
{
	struct visit visit;

	present_load = load;
	come(&visit, 0, from);
	visit.gate.load.read = read_load;
	return gate_admit(&visit.gate, &visit.conn, false);
}

START_TEST(the_load)
{
	service.access.max_load = 850;
	service.access.exempt = network("10.0.0.0/8", 0);
	ck_assert_int_eq(ask_at(849, "11.0.0.1"), REFUSED_NOT);
	ck_assert_int_eq(ask_at(850, "11.0.0.1"), REFUSED_LOAD);
	ck_assert_int_eq(ask_at(100000, "11.0.0.1"), REFUSED_LOAD);
	ck_assert_int_eq(ask_at(100000, "10.0.0.1"), REFUSED_NOT);
	ck_assert_int_eq(ask_at(-1, "11.0.0.1"), REFUSED_NOT); /* not known */
	service.access.max_load = 0;
	ck_assert_int_eq(ask_at(100000, "11.0.0.1"), REFUSED_NOT);
}
END_TEST

/* The board says when the answer changes; what it says is not asked for where there are no times. */
START_TEST(the_time)
{
	int64_t now = (int64_t)time(NULL);
	struct visit visit;

	atomic_store(&board.head->hours, board_hours(false, now + 1000));
	ck_assert_int_eq(ask(&visit, 0, "11.0.0.1"), REFUSED_NOT);
	service.access.n_times = 1;
	ck_assert_int_eq(ask(&visit, 0, "11.0.0.1"), REFUSED_TIME);
	atomic_store(&board.head->hours, board_hours(false, now - 1));
	ck_assert_int_eq(ask(&visit, 0, "11.0.0.1"), REFUSED_NOT);
	atomic_store(&board.head->hours, board_hours(true, now + 1000));
	ck_assert_int_eq(ask(&visit, 0, "11.0.0.1"), REFUSED_NOT);
	atomic_store(&board.head->hours, board_hours(true, now - 1));
	ck_assert_int_eq(ask(&visit, 0, "11.0.0.1"), REFUSED_TIME);
}
END_TEST

int main(void)
{
	return SUITE_RUN("gate", setup, silent_in_the_queue, folded, nothing_configured, seats, in_vain_once, rates,
			 rates_and_the_exempt, the_load, the_time);
}
