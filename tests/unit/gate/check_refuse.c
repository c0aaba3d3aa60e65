/* SPDX-License-Identifier: MIT */
/* Clients that are refused: what they are told, what the log says, and penalties. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "board/board.h"
#include "board/sources.h"
#include "config/config.h"
#include "gate/gate.h"
#include "gate/refuse.h"
#include "net/networks.h"

#include "../peers.h"
#include "../suite.h"
#include "gate_case.h"

static enum refusal refused(struct visit *visit, size_t slot, const char *from)
{
	enum refusal why = ask(visit, slot, from);

	ck_assert_int_ne(why, REFUSED_NOT);
	refuse_client(&visit->gate, &visit->conn, why, true);
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
	ck_assert_uint_eq(sources_refusals(sources, visit.gate.visit.key, &last, 1), 1);
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

/* Each refusal is counted, logged, and remembered for `explain`. */
START_TEST(every_reason_is_counted_told_and_remembered)
{
	char name[64];
	struct sources_refusal last;
	struct visit visit;

	catch_log();
	come(&visit, 0, "10.0.0.1");
	for (int i = REFUSED_NOT + 1; i < REFUSALS; i++) {
		(void)snprintf(name, sizeof(name), "10.0.0.1:0: refused: %s", refusal_name((enum refusal)i));
		refuse_datagram(&visit.gate, &visit.conn, (enum refusal)i);
		ck_assert_uint_eq(atomic_load(&board.slots[0].refused[i]), 1);
		ck_assert_ptr_nonnull(strstr(log_line(), name));
		ck_assert_uint_eq(sources_refusals(sources, gate_key(&visit.gate, &visit.conn), &last, 1), 1);
		ck_assert_int_eq(last.reason, i);
	}
	go(&visit);
}
END_TEST

/* For all workers together, one line in ten seconds for each reason; it says how many refusals were not logged. */
START_TEST(the_log_says_how_many_it_left_out)
{
	struct visit visits[2];

	catch_log();
	come(&visits[0], 0, "10.0.0.1");
	come(&visits[1], 1, "10.0.0.2");
	for (int i = 0; i < 4; i++) {
		refuse_datagram(&visits[i % 2].gate, &visits[i % 2].conn, REFUSED_RATE);
		ck_assert_int_eq(*log_line() != '\0', i == 0);
	}
	refuse_datagram(&visits[0].gate, &visits[0].conn, REFUSED_DENIED);
	ck_assert_ptr_null(strstr(log_line(), "more since"));
	atomic_fetch_sub(&board.head->next_refusal_ms[REFUSED_RATE], 10000); /* as if ten seconds had passed */
	refuse_datagram(&visits[1].gate, &visits[1].conn, REFUSED_RATE);
	ck_assert_ptr_nonnull(strstr(log_line(), "; 3 more since the last such line"));
	go(&visits[0]);
	go(&visits[1]);
}
END_TEST

/* A client that neither reads nor closes holds the worker no longer than REFUSE_LINGER_MS. */
START_TEST(banner_to_a_deaf_one)
{
	int64_t start = clock_ms();
	struct visit visit;

	service.access.only_allowed = true;
	service.access.banner = (char *)"no\r\n";
	come(&visit, 0, "10.0.0.1");
	ck_assert_int_eq(gate_admit(&visit.gate, &visit.conn, false), REFUSED_NOT_ALLOWED);
	refuse_client(&visit.gate, &visit.conn, REFUSED_NOT_ALLOWED, false);
	ck_assert_int_ge(clock_ms() - start, REFUSE_LINGER_MS);
	ck_assert_int_lt(clock_ms() - start, 20 * REFUSE_LINGER_MS);
}
END_TEST

/* Nor that long while another client waits for this worker. */
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
	refuse_client(&visit.gate, &visit.conn, REFUSED_NOT_ALLOWED, true);
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
	ck_assert_int_gt(visit.gate.visit.verdict.wait_ms, 50000);
	ck_assert_int_eq(ask(&visit, 0, "10.0.0.2"), REFUSED_NOT);
	ck_assert_uint_eq(sources_penalized(sources, clock_ms()), 1);
}
END_TEST

/* The begin of a penalty is logged, but not for each of many sources. */
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

/* The source that would get a fault if the worker crashed now. */
START_TEST(who_is_blamed)
{
	struct visit visit;

	ck_assert_int_eq(ask(&visit, 0, "10.0.0.1"), REFUSED_NOT);
	ck_assert_uint_eq(blamed(), 0); /* no source, if penalties are not configured */
	service.penalty = (struct config_penalty){.crashes = 2, .within = 60000, .duration = 60000};
	service.access.exempt = network("10.0.0.2", 0);
	ck_assert_int_eq(ask(&visit, 0, "10.0.0.1"), REFUSED_NOT);
	ck_assert_uint_ne(blamed(), 0);
	ck_assert_uint_eq(blamed(), gate_key(&visit.gate, &visit.conn));
	ck_assert_int_eq(ask(&visit, 0, "10.0.0.2"), REFUSED_NOT);
	ck_assert_uint_eq(blamed(), 0); /* not the source of the last client */
	ck_assert_int_eq(ask(&visit, 0, "unix"), REFUSED_NOT);
	ck_assert_uint_eq(blamed(), gate_key(&visit.gate, &visit.conn));
	come(&visit, 0, "10.0.0.1");
	visit.conn.fd = -1; /* a datagram, whose sender may be forged */
	ck_assert_int_eq(gate_admit(&visit.gate, &visit.conn, false), REFUSED_NOT);
	ck_assert_uint_eq(blamed(), 0);
}
END_TEST

/* Without a table or a seat the rules still hold, nothing is counted, and no client is refused for that. */
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
	return SUITE_RUN("refuse", setup, banner, every_reason_is_counted_told_and_remembered,
			 the_log_says_how_many_it_left_out, banner_to_a_deaf_one, banner_while_others_wait, penalty,
			 penalties_have_a_line_in_ten_seconds, no_penalty_for_the_exempt, who_is_blamed,
			 without_a_table);
}
