/* SPDX-License-Identifier: MIT */
/* Orders to evict a client. This process is its own master. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/signals.h"
#include "board/board.h"
#include "services/deadline.h"
#include "services/deadline_look.h"
#include "worker/contract.h"
#include "worker/orders.h"

#include "../suite.h"

#define TURN 41U

static struct board board;
static struct board_slot *slot;
static int ring, client, served;

/* Makes a connection over TCP. Never returns -1. */
static void connect_both(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&in, len), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&in, len), 0);
	served = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(served, 0);
	(void)close(listener);
}

static void set_up(void)
{
	struct err err;

	ck_assert_int_eq(board_create(&board, 1, 1, &err), 0);
	ring = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	slot = &board.slots[0];
	atomic_store(&slot->turn, TURN);
	signals_harmless();
	orders_init(dup(ring), fd_dead(&err),
		    &(struct orders){.master = getpid(), .board = &board, .ring = ring, .slot = slot});
	deadline_init(true);
	connect_both();
	deadline_begin(served, 0);
}

static void limits(bool unseen, uint64_t header)
{
	const struct deadline_limits l = {.start = clock_coarse_ms(),
					  .first_byte = 60000,
					  .header = header,
					  .unseen = unseen,
					  .greeted = &slot->greeted};

	deadline_limit(&l);
}

static void evict(uint32_t turn)
{
	ck_assert_int_eq(sigqueue(getpid(), WORKER_SIGNAL_EVICT, (union sigval){.sival_int = (int)turn}), 0);
}

static void speak(void)
{
	struct pollfd p = {.fd = served, .events = POLLIN};

	ck_assert_int_eq(send(client, "x", 1, 0), 1);
	ck_assert_int_eq(poll(&p, 1, 10000), 1);
}

static bool has_rung(void)
{
	uint64_t count;

	return read(ring, &count, sizeof(count)) > 0;
}

static void expect(enum deadline_kind kind, bool greeted)
{
	struct pollfd p = {.fd = client, .events = POLLIN};

	ck_assert_int_eq(deadline_passed(), kind);
	ck_assert_int_eq(poll(&p, 1, kind != DEADLINE_NONE ? 10000 : 0), kind != DEADLINE_NONE);
	ck_assert_uint_eq(atomic_load(&slot->greeted), greeted);
	ck_assert_int_eq(has_rung(), greeted);
}

START_TEST(a_silent_one_goes)
{
	limits(false, 0);
	deadline_waits(DEADLINE_READS);
	evict(TURN);
	expect(DEADLINE_EVICTED, false);
	evict(TURN); /* the order counts once */
	expect(DEADLINE_EVICTED, false);
}
END_TEST

START_TEST(a_programs_silent_one_goes)
{
	limits(true, 0);
	evict(TURN);
	expect(DEADLINE_EVICTED, false);
}
END_TEST

START_TEST(the_next_one_is_not_hit)
{
	limits(true, 0);
	evict(TURN - 1);
	expect(DEADLINE_NONE, false);
}
END_TEST

START_TEST(only_the_master_may)
{
	limits(true, 0);
	(void)raise(WORKER_SIGNAL_EVICT); /* without a turn */
	expect(DEADLINE_NONE, false);
	orders_init(dup(ring), dup(ring),
		    &(struct orders){.master = getppid(), .board = &board, .ring = ring, .slot = slot});
	evict(TURN);
	expect(DEADLINE_NONE, false);
}
END_TEST

START_TEST(who_has_spoken_stays_and_the_master_hears_of_it)
{
	limits(true, 0);
	speak();
	evict(TURN);
	expect(DEADLINE_NONE, true);
}
END_TEST

/* The program has the connection already. */
START_TEST(who_has_spoken_stays_though_nothing_is_unread)
{
	char byte;

	limits(true, 0);
	speak();
	ck_assert_int_eq(recv(served, &byte, 1, 0), 1);
	evict(TURN);
	expect(DEADLINE_NONE, true);
}
END_TEST

START_TEST(a_header_is_no_word)
{
	limits(true, 1);
	speak();
	evict(TURN);
	expect(DEADLINE_EVICTED, false);
}
END_TEST

/* The bytes may be a PROXY header, which only the gate can tell. */
START_TEST(before_the_limits_only_the_silent)
{
	speak();
	evict(TURN);
	expect(DEADLINE_NONE, false);
	deadline_end();
	(void)close(served);
	(void)close(client);
	connect_both();
	deadline_begin(served, 0);
	evict(TURN);
	expect(DEADLINE_EVICTED, false);
}
END_TEST

START_TEST(a_service_that_writes_or_thinks_is_in_progress)
{
	limits(false, 0);
	evict(TURN);
	expect(DEADLINE_NONE, false);
	deadline_waits(DEADLINE_WRITES);
	evict(TURN);
	expect(DEADLINE_NONE, false);
}
END_TEST

START_TEST(between_two_clients_nobody_is_hit)
{
	deadline_end();
	evict(TURN);
	ck_assert_int_eq(deadline_passed(), DEADLINE_NONE);
	deadline_begin(served, 0);
	expect(DEADLINE_NONE, false);
}
END_TEST

int main(void)
{
	return SUITE_RUN("evict", set_up, a_silent_one_goes, a_programs_silent_one_goes, the_next_one_is_not_hit,
			 only_the_master_may, who_has_spoken_stays_and_the_master_hears_of_it,
			 who_has_spoken_stays_though_nothing_is_unread, a_header_is_no_word,
			 before_the_limits_only_the_silent, a_service_that_writes_or_thinks_is_in_progress,
			 between_two_clients_nobody_is_hit);
}
