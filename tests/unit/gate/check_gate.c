/* SPDX-License-Identifier: MIT */
/* The decision, and what the gate makes of it with real tables: what it takes, and what it leaves. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <preforkd/module.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/signals.h"
#include "board/board.h"
#include "board/sources.h"
#include "config/config.h"
#include "gate/decide.h"
#include "gate/gate.h"
#include "gate/penalty.h"
#include "gate/refuse.h"
#include "net/networks.h"
#include "services/conn.h"
#include "services/deadline.h"

#include "../peers.h"
#include "../suite.h"

static struct config_service service;
static struct access_rule rules[2];
static struct board board;
static struct sources *sources;

static void setup(void)
{
	struct err err;

	memset(&service, 0, sizeof(service));
	service.name = (char *)"test";
	service.access.prefix4 = 32;
	service.access.prefix6 = 64;
	rules[0] = (struct access_rule){.allow = true, .text = "10.0.0.0/8"};
	rules[1] = (struct access_rule){.allow = false, .text = "10.1.0.0/16"};
	signals_harmless();
	deadline_init();
	log_set_level(LOG_EMERG);
	ck_assert_int_eq(board_create(&board, 1, 8, &err), 0);
	atomic_store(&board.head->workers_max, 8);
	sources = sources_new(256, &err);
	ck_assert_ptr_nonnull(sources);
}

static struct networks *network(const char *text, uint32_t value)
{
	struct networks_entry entry = {.value = value};
	struct networks *set;
	struct err err;

	ck_assert_int_eq(network_parse(text, NULL, &entry.network, &err), 0);
	set = networks_new(&entry, 1);
	ck_assert_ptr_nonnull(set);
	return set;
}

/* ---- the decision ---- */

static enum refusal reason(const struct gate_facts *facts)
{
	return gate_decide(&service, facts).reason;
}

/* Everything stands against this client. */
static struct gate_facts worst(void)
{
	service.access.rule = rules;
	service.access.n_rules = 2;
	service.access.per_source = 2;
	service.access.per_source_rate = (struct rate){.n = 1, .per_ms = 1000};
	service.access.rate = (struct rate){.n = 1, .per_ms = 1000};
	service.access.reserve = 2;
	return (struct gate_facts){
		.rule = 1,
		.now_ms = 1000,
		.same = 2,
		.all = 6,
		.workers_max = 8,
		.source_wait_us = 1500,
		.service_wait_us = 2000,
		.penalty = {.until_ms = 4000},
	};
}

START_TEST(order)
{
	struct gate_facts facts = worst();
	struct gate_verdict verdict = gate_decide(&service, &facts);

	ck_assert_int_eq(verdict.reason, REFUSED_DENIED);
	ck_assert_ptr_eq(verdict.rule, &rules[1]);
	facts.rule = 0;
	verdict = gate_decide(&service, &facts);
	ck_assert_int_eq(verdict.reason, REFUSED_PENALTY);
	ck_assert_int_eq(verdict.wait_ms, 3000);
	ck_assert_ptr_eq(verdict.rule, &rules[0]);
	facts.penalty.until_ms = 1000; /* is over at this very moment */
	ck_assert_int_eq(reason(&facts), REFUSED_PER_SOURCE);
	facts.same = 1;
	verdict = gate_decide(&service, &facts);
	ck_assert_int_eq(verdict.reason, REFUSED_PER_SOURCE_RATE);
	ck_assert_int_eq(verdict.wait_ms, 2);
	facts.source_wait_us = 0;
	ck_assert_int_eq(reason(&facts), REFUSED_RESERVED);
	facts.all = 5;
	verdict = gate_decide(&service, &facts);
	ck_assert_int_eq(verdict.reason, REFUSED_RATE);
	ck_assert_int_eq(verdict.wait_ms, 2);
	facts.service_wait_us = 0;
	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
}
END_TEST

START_TEST(only_allowed)
{
	struct gate_facts facts = {.rule = -1};

	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
	service.access.only_allowed = true;
	ck_assert_int_eq(reason(&facts), REFUSED_NOT_ALLOWED);
	service.access.rule = rules;
	service.access.n_rules = 2;
	facts.rule = 0;
	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
	facts.rule = 2; /* there is no such rule */
	ck_assert_int_eq(reason(&facts), REFUSED_NOT_ALLOWED);
}
END_TEST

START_TEST(exempt)
{
	struct gate_facts facts = worst();

	facts.exempt = true;
	ck_assert_int_eq(reason(&facts), REFUSED_DENIED); /* from limits, not from rules */
	facts.rule = 0;
	ck_assert_int_eq(reason(&facts), REFUSED_RESERVED); /* nor from what there is of workers */
	facts.all = 0;
	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
}
END_TEST

START_TEST(reserved)
{
	struct gate_facts facts = {.rule = -1, .workers_max = 8, .all = 5};

	service.access.reserve = 2;
	ck_assert_uint_eq(gate_most_all(&service, 8, false), 6);
	ck_assert_uint_eq(gate_most_all(&service, 8, true), 0);	 /* the kernel's queue is the limit */
	ck_assert_uint_eq(gate_most_all(&service, 2, false), 1); /* never nobody */
	ck_assert_uint_eq(gate_most_all(&service, 1, false), 1);
	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
	facts.all = 6;
	ck_assert_int_eq(reason(&facts), REFUSED_RESERVED);
	facts.reserve_for = true;
	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
	facts.all = 8;
	facts.reserve_for = false;
	ck_assert_int_eq(reason(&facts), REFUSED_FULL);
}
END_TEST

START_TEST(full)
{
	struct gate_facts facts = {.rule = -1, .workers_max = 8, .all = 8};

	ck_assert_int_eq(reason(&facts), REFUSED_NOT); /* it waits in the queue */
	service.workers.on_full = ON_FULL_REFUSE;
	ck_assert_int_eq(reason(&facts), REFUSED_FULL);
	facts.exempt = facts.reserve_for = true;
	ck_assert_int_eq(reason(&facts), REFUSED_FULL);
	facts.all = 7;
	ck_assert_int_eq(reason(&facts), REFUSED_NOT);
	service.access.reserve = 2;
	ck_assert_uint_eq(gate_most_all(&service, 8, true), 8);
	ck_assert_uint_eq(gate_most_all(&service, 8, false), 6);
}
END_TEST

START_TEST(faults)
{
	/* whatever is added is thought about: a client is not to be punished for what others do */
	static const enum refusal theirs[] = {
		REFUSED_DENIED,		 REFUSED_NOT_ALLOWED,	  REFUSED_PER_SOURCE,
		REFUSED_PER_SOURCE_RATE, REFUSED_PROXY_UNTRUSTED,
	};
	size_t n = 0;

	for (int i = 0; i < REFUSALS; i++)
		n += penalty_is_fault((enum refusal)i);
	ck_assert_uint_eq(n, sizeof(theirs) / sizeof(theirs[0]));
	for (size_t i = 0; i < n; i++)
		ck_assert(penalty_is_fault(theirs[i]));
}
END_TEST

/* ---- at the gate ---- */

struct visit { /* of one client, by the worker of one slot */
	struct gate gate;
	struct preforkd_conn conn;
	int client;
};

static void come(struct visit *visit, size_t slot, const char *from)
{
	struct sockaddr_any peer = at(from);
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	visit->client = fds[1];
	visit->gate =
		(struct gate){.head = board.head, .lane = &board.lanes[0], .slot = &board.slots[slot], .listener = -1};
	gate_open(&visit->gate, &service, sources, slot);
	board_peer_set(&board.slots[slot], &peer);
	conn_begin(&visit->conn, fds[0], &peer, &service, &board.slots[slot]);
}

static enum refusal ask(struct visit *visit, size_t slot, const char *from)
{
	come(visit, slot, from);
	return gate_admit(&visit->gate, &visit->conn, false);
}

static void go(struct visit *visit)
{
	gate_leave(&visit->gate);
	(void)close(visit->client); /* before conn_end(), which else waits for the client to close */
	conn_end(&visit->conn);
}

/* ---- who waited in the queue ---- */

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

/* It gives way only to others who wait, only if nobody else is there for them, and only if it is there and silent. */
struct queued {
	bool speaks, leaves, others, alone;
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
	(void)poll(NULL, 0, 100); /* the time is what is tested */
	visit.gate = (struct gate){
		.head = board.head, .lane = &board.lanes[0], .slot = &board.slots[0], .listener = listener};
	gate_open(&visit.gate, &service, sources, 0);
	conn_begin(&visit.conn, accept(listener, NULL, NULL), &addr, &service, &board.slots[0]);
	if (how->others)
		other = tcp_client(&addr);
	ck_assert_int_eq(gate_admit(&visit.gate, &visit.conn, how->alone), how->expected);
	deadline_end();
	(void)close(visit.conn.fd);
	(void)close(visit.client);
	(void)close(other);
	(void)close(listener);
}

START_TEST(silent_in_the_queue)
{
	static const struct queued cases[] = {
		{.others = true, .alone = true, .expected = REFUSED_QUEUED_SILENT},
		{.others = true},
		{.alone = true},
		{.others = true, .alone = true, .speaks = true},
		{.others = true, .alone = true, .leaves = true},
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
	ck_assert_ptr_eq(visit.gate.verdict.rule, &rules[1]);
	ck_assert_int_eq(ask(&visit, 1, "::ffff:11.2.3.4"), REFUSED_NOT);
}
END_TEST

/* With nothing configured nothing is asked: not even the tables. */
START_TEST(nothing_configured)
{
	struct visit visit;

	ck_assert_int_eq(ask(&visit, 0, "10.2.3.4"), REFUSED_NOT);
	ck_assert_uint_eq(visit.gate.needs, 0);
	ck_assert_uint_eq(visit.gate.key, 0);
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
	ck_assert_uint_eq(visits[2].gate.taken.same, 2);
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

/* A source that has all its seats is looked at for a moment longer, but not each time: it would hold one worker after
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

/* Who is refused by a rate does not stay seated, and what it was refused for is not taken. */
START_TEST(rates)
{
	struct visit visits[3];

	prepare_seats(3);
	service.access.per_source = 8;
	service.access.per_source_rate = (struct rate){.n = 1, .per_ms = 3600000};
	service.access.rate = (struct rate){.n = 2, .per_ms = 3600000};
	ck_assert_int_eq(ask(&visits[0], 0, "10.0.0.1"), REFUSED_NOT);
	ck_assert_int_eq(ask(&visits[1], 1, "10.0.0.1"), REFUSED_PER_SOURCE_RATE);
	ck_assert_int_gt(visits[1].gate.verdict.wait_ms, 3500000);
	ck_assert_uint_eq(seated(), 1);
	ck_assert_int_eq(ask(&visits[1], 1, "10.0.0.2"), REFUSED_NOT); /* the service's second */
	ck_assert_int_eq(ask(&visits[2], 2, "10.0.0.3"), REFUSED_RATE);
	ck_assert_uint_eq(seated(), 2);
	/* it has not lost its own for it */
	ck_assert_int_eq(sources_rate_wait(sources, visits[2].gate.key, &service.access.per_source_rate, clock_us()),
			 0);
}
END_TEST

/* Whom no rate holds back takes nothing from it, either: others have all of it. */
START_TEST(rates_and_the_exempt)
{
	struct visit visit;

	prepare_seats(1);
	service.access.exempt = network("10.0.0.0/8", 0);
	service.access.per_source_rate = (struct rate){.n = 2, .per_ms = 3600000};
	service.access.rate = (struct rate){.n = 1, .per_ms = 3600000};
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(ask(&visit, 0, "10.0.0.1"), REFUSED_NOT);
	ck_assert_int_eq(sources_rate_wait(sources, visit.gate.key, &service.access.per_source_rate, clock_us()), 0);
	ck_assert_int_eq(ask(&visit, 0, "11.0.0.1"), REFUSED_NOT);
	ck_assert_int_eq(ask(&visit, 0, "11.0.0.1"), REFUSED_RATE);
	ck_assert_int_eq(ask(&visit, 0, "10.0.0.1"), REFUSED_NOT);
}
END_TEST

static enum refusal refused(struct visit *visit, size_t slot, const char *from)
{
	enum refusal why = ask(visit, slot, from);

	ck_assert_int_ne(why, REFUSED_NOT);
	gate_refuse(&visit->gate, &visit->conn, why, true);
	ck_assert_int_eq(visit->conn.fd, -1);
	return why;
}

START_TEST(banner)
{
	struct sources_refusal last;
	struct visit visit;
	char buf[64];

	service.access.only_allowed = true;
	service.access.banner = (char *)"no\r\n";
	ck_assert_int_eq(refused(&visit, 0, "10.0.0.1"), REFUSED_NOT_ALLOWED);
	ck_assert_int_eq(read(visit.client, buf, sizeof(buf)), 4);
	ck_assert_int_eq(memcmp(buf, "no\r\n", 4), 0);
	ck_assert_int_eq(read(visit.client, buf, sizeof(buf)), 0);
	ck_assert_uint_eq(atomic_load(&board.slots[0].refused[REFUSED_NOT_ALLOWED]), 1);
	ck_assert_uint_eq(atomic_load(&board.slots[0].accepted), 0);
	ck_assert_uint_eq(sources_refusals(sources, visit.gate.key, &last, 1), 1);
	ck_assert_int_eq(last.reason, REFUSED_NOT_ALLOWED);
	(void)close(visit.client);
}
END_TEST

/* From here on log_line() returns what is written. */
static int log_lines[2];

static void catch_log(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, log_lines), 0);
	ck_assert_int_ge(dup2(log_lines[1], STDERR_FILENO), 0);
	log_open(LOG_TO_STDERR, 0, true);
	log_set_level(LOG_NOTICE);
}

static const char *log_line(void)
{
	static char text[1200];
	ssize_t n = recv(log_lines[0], text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* A counter, a line in the log, and something to explain, for each. */
START_TEST(every_reason_is_counted_told_and_remembered)
{
	char name[64];
	struct sources_refusal last;
	struct visit visit;

	catch_log();
	come(&visit, 0, "10.0.0.1");
	for (int i = REFUSED_NOT + 1; i < REFUSALS; i++) {
		(void)snprintf(name, sizeof(name), "10.0.0.1:0: refused: %s", refusal_name((enum refusal)i));
		gate_turn_away(&visit.gate, &visit.conn, (enum refusal)i);
		ck_assert_uint_eq(atomic_load(&board.slots[0].refused[i]), 1);
		ck_assert_ptr_nonnull(strstr(log_line(), name));
		ck_assert_uint_eq(sources_refusals(sources, gate_key(&visit.gate, &visit.conn), &last, 1), 1);
		ck_assert_int_eq(last.reason, i);
	}
	go(&visit);
}
END_TEST

/* One line in ten seconds for each reason, of all workers together, and then how many had none. */
START_TEST(the_log_says_how_many_it_left_out)
{
	struct visit visits[2];

	catch_log();
	come(&visits[0], 0, "10.0.0.1");
	come(&visits[1], 1, "10.0.0.2");
	for (int i = 0; i < 4; i++) {
		gate_turn_away(&visits[i % 2].gate, &visits[i % 2].conn, REFUSED_RATE);
		ck_assert_int_eq(*log_line() != '\0', i == 0);
	}
	gate_turn_away(&visits[0].gate, &visits[0].conn, REFUSED_DENIED);
	ck_assert_ptr_null(strstr(log_line(), "more since"));
	atomic_fetch_sub(&board.head->next_refusal_ms[REFUSED_RATE], 10000); /* as if they had passed */
	gate_turn_away(&visits[1].gate, &visits[1].conn, REFUSED_RATE);
	ck_assert_ptr_nonnull(strstr(log_line(), "; 3 more since the last such line"));
	go(&visits[0]);
	go(&visits[1]);
}
END_TEST

/* A client that neither reads nor goes holds the worker no longer than that. */
START_TEST(banner_to_a_deaf_one)
{
	int64_t start = clock_ms();
	struct visit visit;

	service.access.only_allowed = true;
	service.access.banner = (char *)"no\r\n";
	come(&visit, 0, "10.0.0.1");
	ck_assert_int_eq(gate_admit(&visit.gate, &visit.conn, false), REFUSED_NOT_ALLOWED);
	gate_refuse(&visit.gate, &visit.conn, REFUSED_NOT_ALLOWED, false);
	ck_assert_int_ge(clock_ms() - start, REFUSE_LINGER_MS);
	ck_assert_int_lt(clock_ms() - start, 20 * REFUSE_LINGER_MS);
}
END_TEST

/* And not at all while somebody waits who would not be served otherwise. */
START_TEST(banner_while_others_wait)
{
	int64_t start = clock_ms();
	struct visit visit;
	int waiting[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, waiting), 0);
	ck_assert_int_eq(write(waiting[1], "x", 1), 1);
	service.access.only_allowed = true;
	service.access.banner = (char *)"no\r\n";
	come(&visit, 0, "10.0.0.1");
	visit.gate.listener = waiting[0];
	gate_refuse(&visit.gate, &visit.conn, REFUSED_NOT_ALLOWED, true);
	ck_assert_int_lt(clock_ms() - start, REFUSE_LINGER_MS);
}
END_TEST

START_TEST(penalty)
{
	struct visit visit;

	service.access.only_allowed = true;
	service.penalty = (struct config_penalty){.refusals = 2, .within = 60000, .duration = 60000};
	ck_assert_int_eq(refused(&visit, 0, "10.0.0.1"), REFUSED_NOT_ALLOWED);
	ck_assert_int_eq(refused(&visit, 0, "10.0.0.1"), REFUSED_NOT_ALLOWED);
	service.access.only_allowed = false;
	ck_assert_int_eq(refused(&visit, 0, "10.0.0.1"), REFUSED_PENALTY);
	ck_assert_int_gt(visit.gate.verdict.wait_ms, 50000);
	ck_assert_int_eq(ask(&visit, 0, "10.0.0.2"), REFUSED_NOT);
	ck_assert_uint_eq(sources_penalized(sources, clock_ms()), 1);
}
END_TEST

/* Whose source is penalized from now on is told of, but not of each of many. */
START_TEST(penalties_have_a_line_in_ten_seconds)
{
	struct visit visit;

	catch_log();
	service.access.only_allowed = true;
	service.penalty = (struct config_penalty){.refusals = 1, .within = 60000, .duration = 60000};
	(void)refused(&visit, 0, "10.0.0.1");
	ck_assert_ptr_nonnull(strstr(log_line(), "10.0.0.1:0: its source is refused for 1min: 1 refusals within 1min"));
	ck_assert_ptr_nonnull(strstr(log_line(), "refused: not_allowed"));
	(void)refused(&visit, 0, "10.0.0.2");
	ck_assert_str_eq(log_line(), "");
	ck_assert_uint_eq(sources_penalized(sources, clock_ms()), 2);
	atomic_fetch_sub(&board.head->next_refusal_ms[REFUSED_NOT], 10000);
	(void)refused(&visit, 0, "10.0.0.3");
	ck_assert_ptr_nonnull(strstr(log_line(), "; 1 more since the last such line"));
}
END_TEST

START_TEST(no_penalty_for_the_exempt)
{
	struct visit visit;

	service.access.only_allowed = true;
	service.access.exempt = network("10.0.0.1", 0);
	service.penalty = (struct config_penalty){.refusals = 2, .within = 60000, .duration = 60000};
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(refused(&visit, 0, "10.0.0.1"), REFUSED_NOT_ALLOWED);
	ck_assert_uint_eq(sources_penalized(sources, clock_ms()), 0);
}
END_TEST

static uint64_t blamed(void)
{
	return atomic_load(&board.slots[0].source);
}

/* Whose fault it would be if the worker crashed now. */
START_TEST(who_is_blamed)
{
	struct visit visit;

	ck_assert_int_eq(ask(&visit, 0, "10.0.0.1"), REFUSED_NOT);
	ck_assert_uint_eq(blamed(), 0); /* nobody, where there are no penalties */
	service.penalty = (struct config_penalty){.crashes = 2, .within = 60000, .duration = 60000};
	service.access.exempt = network("10.0.0.2", 0);
	ck_assert_int_eq(ask(&visit, 0, "10.0.0.1"), REFUSED_NOT);
	ck_assert_uint_ne(blamed(), 0);
	ck_assert_uint_eq(blamed(), gate_key(&visit.gate, &visit.conn));
	ck_assert_int_eq(ask(&visit, 0, "10.0.0.2"), REFUSED_NOT);
	ck_assert_uint_eq(blamed(), 0); /* and not the one before */
	ck_assert_int_eq(ask(&visit, 0, "unix"), REFUSED_NOT);
	ck_assert_uint_eq(blamed(), gate_key(&visit.gate, &visit.conn));
	come(&visit, 0, "10.0.0.1");
	visit.conn.fd = -1; /* a datagram, whose sender may be forged */
	ck_assert_int_eq(gate_admit(&visit.gate, &visit.conn, false), REFUSED_NOT);
	ck_assert_uint_eq(blamed(), 0);
}
END_TEST

/* There was no memory for a table, or no seat: rules hold, nothing is counted, and nobody refused for it. */
START_TEST(without_a_table)
{
	struct visit visit;

	service.access.per_source = 1;
	service.access.rate = (struct rate){.n = 1, .per_ms = 3600000};
	sources_unref(&sources);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ask(&visit, 0, "10.0.0.1"), REFUSED_NOT);
	service.access.only_allowed = true;
	ck_assert_int_eq(refused(&visit, 0, "10.0.0.1"), REFUSED_NOT_ALLOWED);
}
END_TEST

int main(void)
{
	return SUITE_RUN("gate", setup, order, only_allowed, exempt, reserved, full, faults, folded, nothing_configured,
			 silent_in_the_queue, seats, in_vain_once, rates, rates_and_the_exempt, banner,
			 banner_to_a_deaf_one, banner_while_others_wait, every_reason_is_counted_told_and_remembered,
			 the_log_says_how_many_it_left_out, penalty, penalties_have_a_line_in_ten_seconds,
			 no_penalty_for_the_exempt, who_is_blamed, without_a_table);
}
