/* SPDX-License-Identifier: MIT */
/* The log lines about a full pool, with a clock that the test turns. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "base/err.h"
#include "base/log.h"
#include "pool/pool.h"
#include "pool/pool_full.h"
#include "worker/contract.h"

#include "../suite.h"

#define SECOND 1000
#define MINUTE 60000

static char name[] = "web";
static struct config_service service = {.name = name, .workers = {.max = 64, .on_full = ON_FULL_QUEUE}};
static struct listener listener = {.fd = -1};
static struct policy_lane lane;
static struct pool pool;
static struct counts gone;
static int64_t now = 100 * MINUTE;
static int lines[2];

static void set_up(void)
{
	struct err err;

	pool = (struct pool){
		.service = &service,
		.totals = totals_new(),
		.limits = service.workers,
		.listeners = &listener,
		.lanes = &lane,
		.n_lanes = 1,
		.board = {.n_slots = 1},
	};
	ck_assert_int_eq(pool_full_new(&pool, &err), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, lines), 0);
	ck_assert_int_ge(dup2(lines[1], STDERR_FILENO), 0);
	log_open(LOG_TO_STDERR, 0, true);
	log_set_level(LOG_INFO);
}

/* Clients wait: without a listener it is one, as far as can be told. */
static void full(bool is)
{
	lane.pending = is;
	pool_full_step(&pool, is, now);
}

static void away(enum refusal reason, uint64_t n)
{
	memset(&gone, 0, sizeof(gone));
	gone.refused[reason] = n;
	pool_full_gone(&pool, &gone);
}

/* The tick's line, "" if there is none. */
static const char *tick(void)
{
	static char text[1024];
	ssize_t n;

	pool_full_tick(&pool, now);
	n = recv(lines[0], text, sizeof(text) - 1, MSG_DONTWAIT);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void expect(const char *part)
{
	const char *line = tick();

	ck_assert_msg(strstr(line, part) != NULL, "\"%s\" is not in \"%s\"", part, line);
	ck_assert_str_eq(tick(), "");
}

START_TEST(nothing_to_tell)
{
	for (int i = 0; i < 200; i++, now += SECOND) {
		full(false);
		ck_assert_str_eq(tick(), "");
	}
}
END_TEST

START_TEST(one_line_a_minute)
{
	int told = 0;

	for (int i = 0; i < 5 * 60; i++, now += SECOND) {
		full(true);
		told += *tick() != '\0';
	}
	ck_assert_int_eq(told, 5);
}
END_TEST

/* One line for a service, however many generations of it there were in that minute. */
START_TEST(a_reload_does_not_repeat_it)
{
	struct totals *totals = pool.totals;
	struct err err;

	full(true);
	expect("all workers are busy");
	pool_full_free(&pool);
	ck_assert_int_eq(pool_full_new(&pool, &err), 0);
	pool.totals = totals_ref(totals);
	now += SECOND;
	full(true);
	ck_assert_str_eq(tick(), "");
	now += MINUTE;
	expect("all workers are busy");
}
END_TEST

START_TEST(it_says_which_setting_and_how_many)
{
	full(true);
	pool.full->most = 300;
	now += 3 * SECOND;
	full(false);
	expect("web: all workers are busy (workers.max = 64): 0 clients wait in the queue now, 300 at most in the last "
	       "3s; "
	       "raise workers.max, or see workers.on_full");
	/* what comes within the minute is told at its end, though it is over by then */
	full(true);
	full(false);
	now += MINUTE - 1;
	ck_assert_str_eq(tick(), "");
	now += 1;
	expect(": 0 clients wait in the queue now, 1 at most in the last 1min; ");
	now += 10 * MINUTE;
	ck_assert_str_eq(tick(), "");
}
END_TEST

START_TEST(those_turned_away_are_told_once)
{
	away(REFUSED_FULL, 5);
	away(REFUSED_QUEUED_SILENT, 2);
	away(REFUSED_DENIED, 1000); /* not for that */
	expect(" in the last 1s, and 7 were turned away; ");
	now += MINUTE;
	ck_assert_str_eq(tick(), "");
	away(REFUSED_FULL, 3);
	expect(" in the last 1min, and 3 were turned away; ");
}
END_TEST

START_TEST(those_evicted_have_a_line_in_ten_seconds)
{
	away(REFUSED_EVICTED, 936);
	pool_full_tick(&pool, now);
	now += MINUTE; /* the advice has its own time */
	away(REFUSED_EVICTED, 1);
	while (recv(lines[0], (char[1024]){0}, 1024, MSG_DONTWAIT) > 0)
		;
	pool.totals->last_full_advice_ms = now;
	expect("web: evicted: 1 clients that had sent nothing gave way to others (workers.on_full)");
	away(REFUSED_EVICTED, 20);
	away(REFUSED_EVICTED, 30);
	now += 10 * SECOND - 1;
	ck_assert_str_eq(tick(), "");
	now += 1;
	expect("evicted: 50 clients");
	now += 10 * SECOND;
	ck_assert_str_eq(tick(), "");
}
END_TEST

/* Its first byte may be under way: who has just come does not give way yet. */
START_TEST(who_has_just_come_stays)
{
	struct proc worker = {.pid = getpid(), .pool = &pool, .board = &pool.board};
	struct err err;
	sigset_t evict, told;

	(void)sigemptyset(&evict);
	(void)sigaddset(&evict, WORKER_SIGNAL_EVICT);
	(void)sigprocmask(SIG_BLOCK, &evict, NULL);
	service.workers.on_full = ON_FULL_EVICT;
	pool.limits.max = 1;
	ck_assert_int_eq(board_create(&pool.board, 1, 1, &err), 0);
	pool_full_free(&pool);
	ck_assert_int_eq(pool_full_new(&pool, &err), 0);
	DL_APPEND(pool.procs, &worker);
	pool.n_procs = 1;
	listener.fd = lines[0];
	atomic_store(&pool.board.slots[0].state, SLOT_BUSY);
	atomic_store(&pool.board.slots[0].silent_since_ms, now);
	now += FULL_YOUNG_MS - 1;
	full(true);
	(void)sigpending(&told);
	ck_assert_int_eq(sigismember(&told, WORKER_SIGNAL_EVICT), 0);
	now++;
	full(true);
	(void)sigpending(&told);
	ck_assert_int_eq(sigismember(&told, WORKER_SIGNAL_EVICT), 1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("pool_full", set_up, nothing_to_tell, one_line_a_minute, a_reload_does_not_repeat_it,
			 it_says_which_setting_and_how_many, those_turned_away_are_told_once,
			 those_evicted_have_a_line_in_ten_seconds, who_has_just_come_stays);
}
