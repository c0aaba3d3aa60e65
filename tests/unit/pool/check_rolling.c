/* SPDX-License-Identifier: MIT */
/* Programs are replaced some at a time, with a clock that the test turns and programs that the test makes up. */
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "pool/rolling.h"
#include "worker/contract.h"

#include "../made_up_pool.h"

enum { LANES = 2, COPIES = 4, UNAVAILABLE = 1 };

#define PATIENCE 10000 /* beyond timeouts.start */

static char name[] = "web";
static struct config_service service;
static struct listener listeners[LANES], old_listeners[LANES];
static struct pool fresh, old;
static struct proc *by_pid;
static int64_t now = 1000000;
static int lines[2];

static void set_up(void)
{
	service = (struct config_service){
		.name = name,
		.program = {.runs = true, .notify = true},
		.workers = {.min = COPIES, .max = COPIES, .max_unavailable = UNAVAILABLE},
		.timeouts = {.start = 2000},
	};
	for (size_t i = 0; i < LANES; i++) {
		listeners[i] = (struct listener){.fd = STDIN_FILENO};
		old_listeners[i] = (struct listener){.fd = -1};
	}
	made_up_pool(&fresh, &service, listeners, LANES, &by_pid);
	made_up_pool(&old, &service, old_listeners, LANES, &by_pid);
	old.state = POOL_SUPERSEDED;
	for (size_t i = 0; i < LANES * COPIES; i++)
		(void)made_up_worker(&old, i % LANES, SLOT_IDLE);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, lines), 0);
	ck_assert_int_ge(dup2(lines[1], STDERR_FILENO), 0);
	log_open(LOG_TO_STDERR, 0, true);
}

/* The text that was logged since the last call; "": nothing. */
static const char *logged(void)
{
	static char text[1024];
	ssize_t n = recv(lines[0], text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int64_t staying(const struct pool *pool, size_t lane)
{
	const struct proc *proc;
	int64_t n = 0;

	DL_FOREACH (pool->procs, proc)
		n += proc->lane == lane && proc->ready && !proc->leaving;
	return n;
}

static void start_programs(size_t lane, int64_t n)
{
	while (n-- > 0)
		(void)made_up_worker(&fresh, lane, SLOT_IDLE);
}

START_TEST(some_at_a_time)
{
	rolling_begin(&fresh, &old, now);
	for (int64_t copies = UNAVAILABLE; copies < COPIES; copies += UNAVAILABLE) {
		ck_assert_int_eq(pool_copies(&fresh), copies);
		start_programs(0, UNAVAILABLE);
		now++;
		ck_assert(!rolling_step(&fresh, &old, now)); /* the other address still lacks one */
		ck_assert_int_eq(staying(&old, 0), COPIES - copies + UNAVAILABLE);
		start_programs(1, UNAVAILABLE);
		now++;
		ck_assert(!rolling_step(&fresh, &old, now));
		for (size_t lane = 0; lane < LANES; lane++) {
			ck_assert_int_eq(staying(&fresh, lane), copies);
			ck_assert_int_eq(staying(&old, lane), COPIES - copies);
		}
		ck_assert_int_eq(fresh.rolled_ms, now);
	}
	start_programs(0, UNAVAILABLE);
	start_programs(1, UNAVAILABLE);
	ck_assert(rolling_step(&fresh, &old, now));
	ck_assert_int_eq(fresh.copies, 0);
	ck_assert_int_eq(staying(&old, 0), UNAVAILABLE); /* whoever called rolling_step() retires the last ones */
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(the_oldest_leave_first)
{
	const struct proc *oldest = old.procs, *second = oldest->next;

	rolling_begin(&fresh, &old, now);
	start_programs(0, 1);
	start_programs(1, 1);
	ck_assert(!rolling_step(&fresh, &old, now));
	ck_assert(oldest->leaving && second->leaving && !second->next->leaving);
	ck_assert_uint_eq(made_up_killed(oldest->pid, WORKER_SIGNAL_RETIRE), 1);
	ck_assert_uint_eq(made_up_killed(second->pid, WORKER_SIGNAL_RETIRE), 1);
	ck_assert_uint_eq(made_up_n_kills, 2);
}
END_TEST

START_TEST(an_address_without_clients_is_not_waited_for)
{
	listeners[0].fd = -1;
	listeners[1].refusing = true;
	rolling_begin(&fresh, &old, now);
	for (int64_t copies = UNAVAILABLE; copies < COPIES; copies += UNAVAILABLE)
		ck_assert(!rolling_step(&fresh, &old, now));
	ck_assert(rolling_step(&fresh, &old, now));
}
END_TEST

START_TEST(a_program_that_leaves_is_not_ready)
{
	rolling_begin(&fresh, &old, now);
	start_programs(0, 1);
	start_programs(1, 1);
	fresh.procs->leaving = true;
	ck_assert(!rolling_step(&fresh, &old, now));
	ck_assert_int_eq(staying(&old, 0), COPIES);
	ck_assert_int_eq(staying(&old, 1), COPIES);
}
END_TEST

static void expect_patience(int64_t ms)
{
	rolling_begin(&fresh, &old, now);
	now += ms - 1;
	ck_assert(!rolling_step(&fresh, &old, now));
	ck_assert_str_eq(logged(), "");
	now++;
	ck_assert(rolling_step(&fresh, &old, now));
	ck_assert_int_eq(fresh.copies, 0);
	ck_assert_ptr_nonnull(strstr(logged(), "not all new programs are ready in time"));
}

START_TEST(patience_has_an_end)
{
	expect_patience(service.timeouts.start + PATIENCE);
}
END_TEST

START_TEST(so_it_has_where_a_start_may_take_any_time)
{
	service.timeouts.start = 0;
	expect_patience(60000 + PATIENCE);
}
END_TEST

START_TEST(each_step_has_its_own_time)
{
	rolling_begin(&fresh, &old, now);
	now += service.timeouts.start + PATIENCE - 1;
	start_programs(0, 1);
	start_programs(1, 1);
	ck_assert(!rolling_step(&fresh, &old, now));
	now += service.timeouts.start + PATIENCE - 1;
	ck_assert(!rolling_step(&fresh, &old, now));
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(a_service_that_is_paused_meanwhile_has_nothing_to_roll)
{
	rolling_begin(&fresh, &old, now);
	fresh.paused = true;
	ck_assert(rolling_step(&fresh, &old, now));
	ck_assert_int_eq(fresh.copies, 0);
	ck_assert_int_eq(staying(&old, 0), COPIES);
}
END_TEST

START_TEST(without_programs_before_all_start_at_once)
{
	rolling_begin(&fresh, NULL, now);
	ck_assert_int_eq(pool_copies(&fresh), COPIES);
	start_programs(0, COPIES);
	ck_assert(!rolling_step(&fresh, NULL, now));
	start_programs(1, COPIES);
	ck_assert(rolling_step(&fresh, NULL, now));
}
END_TEST

START_TEST(after_workers_all_start_at_once)
{
	struct config_service workers = service;

	workers.program.runs = false;
	old.service = &workers;
	rolling_begin(&fresh, &old, now);
	ck_assert_int_eq(pool_copies(&fresh), COPIES);
}
END_TEST

int main(void)
{
	return SUITE_RUN("rolling", set_up, some_at_a_time, the_oldest_leave_first,
			 an_address_without_clients_is_not_waited_for, a_program_that_leaves_is_not_ready,
			 patience_has_an_end, so_it_has_where_a_start_may_take_any_time, each_step_has_its_own_time,
			 a_service_that_is_paused_meanwhile_has_nothing_to_roll,
			 without_programs_before_all_start_at_once, after_workers_all_start_at_once);
}
