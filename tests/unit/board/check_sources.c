/* SPDX-License-Identifier: MIT */
/* The table of sources but for its seats: map, keys, rates, penalties, refusals, with a clock of the tests' own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "board/sources.h"
#include "board/sources_map.h"
#include "board/sources_records.h"
#include "net/addr.h"
#include "net/networks.h"

#include "../peers.h"
#include "../suite.h"

#define SECOND_US 1000000LL
#define NOW_US	  (5000 * SECOND_US)
#define NOW_MS	  (NOW_US / 1000)

static struct sources *sources;
static struct err err;
static bool untracked;

static void setup(void)
{
	sources = sources_new(256, &err);
	ck_assert_msg(sources != NULL, "%s", err.text);
}

static void renew(void)
{
	sources_unref(&sources);
	setup();
}

/* ---- the map ---- */

START_TEST(a_worker_maps_what_the_master_made)
{
	struct sources mine;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		/* ENOMEM: nothing is mapped where the parent has it */
		if (msync(sources->map, 1, MS_ASYNC) == 0 || errno != ENOMEM)
			_exit(1);
		if (sources_map(&mine, sources->fd, &err) < 0 || mine.n_records != 256 || mine.fd != -1)
			_exit(2);
		sources_refusal_note(&mine, &(struct sources_refusal){.reason = REFUSED_RATE, .key = 7});
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(sources_refusals(sources, 7, &(struct sources_refusal){.key = 0}, 1), 1);
}
END_TEST

START_TEST(the_size_is_sealed)
{
	ck_assert_int_lt(ftruncate(sources->fd, 0), 0);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_lt(ftruncate(sources->fd, 1 << 28), 0);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(what_is_none_is_not_mapped)
{
	struct sources mine;
	int fd = memfd_create("short", MFD_CLOEXEC);

	ck_assert_int_eq(sources_map(&mine, fd, &err), -1);
	ck_assert_int_eq(sources_map(&mine, -1, &err), -1);
	ck_assert_int_eq(ftruncate(fd, (off_t)sources->size), 0);
	ck_assert_int_eq(sources_map(&mine, fd, &err), -1); /* of version 0 */
	ck_assert_ptr_null(mine.map);
	ck_assert_int_eq(ftruncate(fd, (off_t)sources->size + 1), 0);
	ck_assert_int_eq(sources_map(&mine, fd, &err), -1);
	fd_close(&fd);
	ck_assert_ptr_null(sources_new(0, &err));
	ck_assert_ptr_null(sources_new(SIZE_MAX, &err));
}
END_TEST

START_TEST(the_next_image_reads_on)
{
	const struct rate rate = {.n = 1, .per_ms = 1000};
	int fd = fcntl(sources->fd, F_DUPFD_CLOEXEC, 3), other = memfd_create("other", MFD_CLOEXEC);
	struct sources *next, *same;

	ck_assert_int_eq(sources_rate_take(sources, 9, &rate, NOW_US, &untracked), 0);
	ck_assert_ptr_null(sources_adopt(fd, 512, &err));
	ck_assert_ptr_null(sources_adopt(fd, 0, &err));
	ck_assert_ptr_null(sources_adopt(-1, 256, &err));
	/* one that could be cut to nothing while it is mapped */
	ck_assert_int_eq(ftruncate(other, (off_t)sources->size), 0);
	ck_assert_int_eq(pwrite(other, sources->map, 64, 0), 64);
	ck_assert_ptr_null(sources_adopt(other, 256, &err));
	sources->map->version++;
	ck_assert_ptr_null(sources_adopt(fd, 256, &err));
	sources->map->version--;
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	next = sources_adopt(fd, 256, &err);
	ck_assert_msg(next != NULL, "%s", err.text);
	ck_assert_int_eq(sources_rate_wait(next, 9, &rate, NOW_US), SECOND_US);
	same = sources_ref(next);
	sources_unref(&next);
	ck_assert_ptr_null(next);
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	sources_unref(&same);
	ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
	sources_unref(&same);
}
END_TEST

/* ---- keys ---- */

static uint64_t key_of(const char *text, int prefix4, int prefix6)
{
	struct sockaddr_any peer = at(text);

	peer.in.sin_port = (in_port_t)random(); /* at the same place for both */
	return sources_key(sources, &peer, NULL, prefix4, prefix6);
}

static uint64_t key_on_link(const char *text, uint32_t link)
{
	struct sockaddr_any peer = at(text);

	peer.in6.sin6_scope_id = link;
	return sources_key(sources, &peer, NULL, 32, 64);
}

START_TEST(a_source_is_a_network)
{
	ck_assert_uint_eq(key_of("192.0.2.1", 32, 64), key_of("192.0.2.1", 32, 64));
	ck_assert_uint_ne(key_of("192.0.2.1", 32, 64), key_of("192.0.2.2", 32, 64));
	ck_assert_uint_eq(key_of("192.0.2.1", 24, 64), key_of("192.0.2.254", 24, 64));
	ck_assert_uint_ne(key_of("192.0.2.1", 24, 64), key_of("192.0.3.1", 24, 64));
	ck_assert_uint_eq(key_of("192.0.2.1", 23, 64), key_of("192.0.3.1", 23, 64));
	ck_assert_uint_eq(key_of("192.0.2.1", 0, 64), key_of("10.9.8.7", 0, 64));
	ck_assert_uint_eq(key_of("::ffff:192.0.2.1", 32, 64), key_of("192.0.2.1", 32, 64));
	ck_assert_uint_ne(key_of("::ffff:192.0.2.1", 32, 64), key_of("::ffff:192.0.2.2", 32, 64));
	ck_assert_uint_eq(key_of("2001:db8::1", 32, 64), key_of("2001:db8::ffff:2", 32, 64));
	ck_assert_uint_ne(key_of("2001:db8::1", 32, 64), key_of("2001:db8:0:1::1", 32, 64));
	ck_assert_uint_ne(key_of("2001:db8::1", 32, 128), key_of("2001:db8::2", 32, 128));
	ck_assert_uint_eq(key_of("2001:db8::1", 32, 0), key_of("fe80::1", 32, 0));
	ck_assert_uint_ne(key_of("0.0.0.0", 0, 0), key_of("::", 0, 0));
	ck_assert_uint_ne(key_of("0.0.0.0", 0, 0), 0);
	/* of a link, whose number is not part of the address: of two hosts */
	ck_assert_uint_ne(key_on_link("fe80::1", 1), key_on_link("fe80::1", 2));
	ck_assert_uint_eq(key_on_link("2001:db8::1", 1), key_on_link("2001:db8::1", 2));
	/* beyond what there is */
	ck_assert_uint_eq(key_of("192.0.2.1", 99, 64), key_of("192.0.2.1", 32, 64));
	ck_assert_uint_eq(key_of("192.0.2.1", -5, 64), key_of("192.0.2.1", 0, 64));
}
END_TEST

START_TEST(a_source_is_a_user)
{
	struct sockaddr_any peer = {.len = sizeof(sa_family_t)};
	struct unix_peer a = {.uid = 0, .gid = 5}, b = {.uid = 0, .gid = 6}, c = {.uid = 1};
	uint64_t key;

	peer.sa.sa_family = AF_UNIX;
	key = sources_key(sources, &peer, &a, 32, 64);
	ck_assert_uint_eq(key, sources_key(sources, &peer, &b, 32, 64));
	ck_assert_uint_ne(key, sources_key(sources, &peer, &c, 32, 64));
	ck_assert_uint_ne(key, sources_key(sources, &peer, NULL, 32, 64));
	peer.len = 0;
	ck_assert_uint_ne(sources_key(sources, &peer, NULL, 32, 64), 0);
}
END_TEST

START_TEST(the_secret_is_another_in_each_table)
{
	uint64_t key = key_of("192.0.2.1", 32, 64);

	renew();
	ck_assert_uint_ne(key_of("192.0.2.1", 32, 64), key);
}
END_TEST

/* ---- rates ---- */

START_TEST(a_bucket_fills_and_leaks)
{
	const struct rate rate = {.n = 5, .per_ms = 1000};

	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US, &untracked), 0);
	for (int i = 0; i < 100; i++) /* refused ones take nothing */
		ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US, &untracked), 200000);
	ck_assert_int_eq(sources_rate_wait(sources, 42, &rate, NOW_US + 1), 199999);
	ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US + 199999, &untracked), 1);
	ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US + 200000, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US + 200000, &untracked), 200000);
	/* another has its own, and so has the service */
	ck_assert_int_eq(sources_rate_take(sources, 43, &rate, NOW_US, &untracked), 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(sources_rate_take(sources, 0, &rate, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 0, &rate, NOW_US, &untracked), 200000);
	ck_assert_int_eq(sources_rate_wait(sources, 0, &rate, NOW_US), 200000);
	ck_assert(!untracked);
	/* and after a long time it is empty, not more than that */
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US + 3600 * SECOND_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US + 3600 * SECOND_US, &untracked), 200000);
}
END_TEST

START_TEST(no_rate_is_no_limit)
{
	const struct rate rate = {.n = 0};

	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(sources_rate_take(sources, 42, &rate, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_wait(sources, 42, &rate, NOW_US), 0);
	ck_assert_ptr_null(sources_records_find(sources, 42)); /* and takes no record */
}
END_TEST

/* The whole range of the configuration, and what is beyond it. */
START_TEST(extreme_rates)
{
	const struct rate rates[] = {
		{1, 1},
		{1000000, 1},
		{1, DAY_MS},
		{1000000, DAY_MS},
		{999983, 7},
		{INT64_MAX, INT64_MAX},
		{1, INT64_MAX},
		{INT64_MAX, 1},
		{1, -1},
		{-1, 1},
		{INT64_MIN, INT64_MIN},
	};
	const int64_t times[] = {INT64_MIN, -1, 0, 1, NOW_US, INT64_MAX / 1000, INT64_MAX - 1, INT64_MAX};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		for (size_t k = 0; k < sizeof(times) / sizeof(times[0]); k++) {
			for (int n = 0; n < 3; n++) {
				int64_t wait = sources_rate_take(sources, 0, &rates[i], times[k], &untracked);

				ck_assert_int_ge(wait, 0);
				ck_assert_int_le(wait, 2 * DAY_MS * 1000);
				wait = sources_rate_take(sources, 1 + i, &rates[i], times[k], &untracked);
				ck_assert_int_ge(wait, 0);
				ck_assert_int_le(wait, 2 * DAY_MS * 1000);
			}
		}
	}
	renew();
	for (int n = 0; n < 1000000; n++)
		ck_assert_int_eq(sources_rate_take(sources, 0, &rates[1], NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 0, &rates[1], NOW_US, &untracked), 1);
	renew();
	ck_assert_int_eq(sources_rate_take(sources, 5, &rates[2], NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 5, &rates[2], NOW_US + 1, &untracked), DAY_MS * 1000 - 1);
}
END_TEST

START_TEST(who_asks_with_an_older_time_takes_nothing_back)
{
	const struct rate rate = {.n = 2, .per_ms = 1000};

	ck_assert_int_eq(sources_rate_take(sources, 1, &rate, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 1, &rate, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 1, &rate, NOW_US - 900000, &untracked), 1400000);
	ck_assert_int_eq(sources_rate_take(sources, 1, &rate, NOW_US, &untracked), 500000);
}
END_TEST

/* The service was configured with another rate before: its times must not keep anybody out. */
START_TEST(a_slower_rate_from_before_is_forgotten)
{
	const struct rate slow = {.n = 1, .per_ms = DAY_MS}, fast = {.n = 10, .per_ms = 1000};

	ck_assert_int_eq(sources_rate_take(sources, 1, &slow, NOW_US, &untracked), 0);
	ck_assert_int_gt(sources_rate_take(sources, 1, &slow, NOW_US, &untracked), 0);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(sources_rate_take(sources, 1, &fast, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 1, &fast, NOW_US, &untracked), 100000);
}
END_TEST

/* A million sources: as many as there are records are remembered, the others let in and counted; and when the
 * times of those are over, others are. */
START_TEST(a_full_table_lets_in)
{
	const struct rate rate = {.n = 1, .per_ms = 1000};
	size_t refused = 0, n_untracked = 0;

	for (int round = 0; round < 2; round++)
		for (uint64_t i = 1; i <= 100000; i++) {
			uint64_t key = i * 0x9e3779b97f4a7c15ULL;

			refused += sources_rate_take(sources, key, &rate, NOW_US, &untracked) > 0;
			n_untracked += untracked;
		}
	ck_assert_uint_eq(refused, 256);
	ck_assert_uint_eq(n_untracked, 2 * (100000 - 256));
	ck_assert_uint_eq(sources_untracked(sources), n_untracked);
	for (uint64_t i = 1; i <= 8; i++) {
		ck_assert_int_eq(sources_rate_take(sources, i, &rate, NOW_US + SECOND_US, &untracked), 0);
		ck_assert(!untracked);
		ck_assert_int_eq(sources_rate_take(sources, i, &rate, NOW_US + SECOND_US, &untracked), SECOND_US);
	}
}
END_TEST

/* Many at the same time take as many as the rate says, none is lost and none comes from nowhere. */
START_TEST(many_processes_share_a_bucket)
{
	enum { PROCESSES = 16, ROUNDS = 2000 };
	const struct rate rate = {.n = 1000, .per_ms = 60000};
	_Atomic int *taken = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = sources->fd, status;
	pid_t pids[PROCESSES];

	for (int p = 0; p < PROCESSES; p++) {
		pids[p] = fork();
		if (pids[p] == 0) {
			struct sources mine;

			if (sources_map(&mine, fd, &err) < 0)
				_exit(1);
			for (int i = 0; i < ROUNDS; i++)
				for (int key = 0; key < 2; key++)
					if (sources_rate_take(&mine, (uint64_t)key * 77, &rate, NOW_US, &untracked) ==
					    0)
						atomic_fetch_add(&taken[key], 1);
			_exit(0);
		}
	}
	for (int p = 0; p < PROCESSES; p++) {
		ck_assert_int_eq(waitpid(pids[p], &status, 0), pids[p]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(taken[0], 1000);
	/* two records at worst for each that claimed one at the same moment as another */
	ck_assert_int_ge(taken[1], 1000);
	ck_assert_int_le(taken[1], 1000 + PROCESSES);
}
END_TEST

/* ---- penalties ---- */

static const struct sources_penalty_rule rule = {.most = 3, .within_ms = 10000, .duration_ms = 60000};

START_TEST(a_penalty_begins_and_ends)
{
	struct sources_penalty penalty;

	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &rule, NOW_MS));
	ck_assert(!sources_fault(sources, 5, FAULT_REFUSAL, &rule, NOW_MS));
	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &rule, NOW_MS + 5));
	ck_assert_uint_eq(sources_faults(sources, 5, FAULT_CRASH, rule.within_ms, NOW_MS + 6), 2);
	ck_assert_uint_eq(sources_faults(sources, 5, FAULT_REFUSAL, rule.within_ms, NOW_MS + 6), 1);
	ck_assert_uint_eq(sources_penalized(sources, NOW_MS), 0);
	ck_assert(sources_fault(sources, 5, FAULT_CRASH, &rule, NOW_MS + 10));
	penalty = sources_penalty(sources, 5, NOW_MS + 11);
	ck_assert_int_eq(penalty.until_ms, NOW_MS + 60010);
	ck_assert_int_eq(penalty.fault, FAULT_CRASH);
	ck_assert_uint_eq(sources_penalized(sources, NOW_MS + 11), 1);
	ck_assert_int_eq(sources_penalty(sources, 6, NOW_MS + 11).until_ms, 0);
	/* more faults do not prolong it */
	for (int i = 0; i < 10; i++)
		ck_assert(!sources_fault(sources, 5, FAULT_REFUSAL, &rule, NOW_MS + 50000));
	ck_assert_int_eq(sources_penalty(sources, 5, NOW_MS + 60009).until_ms, NOW_MS + 60010);
	ck_assert_int_eq(sources_penalty(sources, 5, NOW_MS + 60010).until_ms, 0);
	ck_assert_uint_eq(sources_penalized(sources, NOW_MS + 60010), 0);
	/* it begins anew, and the other fault is told apart */
	ck_assert(!sources_fault(sources, 5, FAULT_REFUSAL, &rule, NOW_MS + 60011));
	ck_assert(!sources_fault(sources, 5, FAULT_REFUSAL, &rule, NOW_MS + 60012));
	ck_assert(sources_fault(sources, 5, FAULT_REFUSAL, &rule, NOW_MS + 60013));
	ck_assert_int_eq(sources_penalty(sources, 5, NOW_MS + 60014).fault, FAULT_REFUSAL);
}
END_TEST

START_TEST(a_short_penalty_within_a_long_window_begins_anew)
{
	const struct sources_penalty_rule brief = {.most = 2, .within_ms = 60000, .duration_ms = 1000};

	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &brief, NOW_MS));
	ck_assert(sources_fault(sources, 5, FAULT_CRASH, &brief, NOW_MS));
	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &brief, NOW_MS + 1001));
	ck_assert(sources_fault(sources, 5, FAULT_CRASH, &brief, NOW_MS + 1002));
}
END_TEST

START_TEST(faults_far_apart_are_none_together)
{
	for (int i = 0; i < 1000; i++) /* two in each ten seconds at most */
		ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &rule, NOW_MS + i * 5000LL + i / 2));
	ck_assert_uint_eq(sources_faults(sources, 5, FAULT_CRASH, rule.within_ms, NOW_MS + 9999999), 0);
}
END_TEST

/* Wherever the windows before them began. */
START_TEST(faults_close_together_are_found)
{
	for (int64_t lead = 0; lead < 20000; lead += 100) {
		uint64_t key = 1000 + (uint64_t)lead;

		renew();
		ck_assert(!sources_fault(sources, key, FAULT_CRASH, &rule, NOW_MS));
		ck_assert(!sources_fault(sources, key, FAULT_CRASH, &rule, NOW_MS + lead));
		if (sources_penalty(sources, key, NOW_MS + lead).until_ms != 0)
			continue;
		(void)sources_fault(sources, key, FAULT_CRASH, &rule, NOW_MS + lead + 2500);
		(void)sources_fault(sources, key, FAULT_CRASH, &rule, NOW_MS + lead + 5000 - 1);
		ck_assert_int_ne(sources_penalty(sources, key, NOW_MS + lead + 5000).until_ms, 0);
	}
}
END_TEST

START_TEST(no_rule_no_penalty)
{
	const struct sources_penalty_rule none = {.most = 0, .within_ms = 1, .duration_ms = 1};
	const struct sources_penalty_rule wild = {INT64_MAX, INT64_MAX, INT64_MAX}, one = {1, INT64_MIN, INT64_MAX};

	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &none, NOW_MS));
	ck_assert_ptr_null(sources_records_find(sources, 5));
	ck_assert(!sources_fault(sources, 0, FAULT_CRASH, &rule, NOW_MS));
	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &wild, INT64_MAX));
	ck_assert(!sources_fault(sources, 5, FAULT_CRASH, &wild, INT64_MIN));
	ck_assert(sources_fault(sources, 6, FAULT_CRASH, &one, NOW_MS));
	ck_assert_int_eq(sources_penalty(sources, 6, NOW_MS).until_ms, NOW_MS + PENALTY_MOST_MS);
}
END_TEST

/* Its record stays its own for as long as it is penalized, whoever comes. */
START_TEST(a_penalty_survives_a_flood)
{
	const struct rate rate = {.n = 1, .per_ms = 1000};

	for (int i = 0; i < 3; i++)
		(void)sources_fault(sources, 5, FAULT_CRASH, &rule, NOW_MS);
	for (int64_t second = 0; second < 60; second++)
		for (uint64_t i = 0; i < 10000; i++)
			(void)sources_rate_take(sources, (i + 1) * 0x9e3779b97f4a7c15ULL, &rate,
						NOW_US + second * SECOND_US, &untracked);
	ck_assert_int_eq(sources_penalty(sources, 5, NOW_MS + 59999).until_ms, NOW_MS + 60000);
	ck_assert_uint_eq(sources_penalized(sources, NOW_MS + 59999), 1);
}
END_TEST

/* ---- the last refusals ---- */

START_TEST(the_newest_refusals_come_first)
{
	struct sources_refusal out[100];

	ck_assert_uint_eq(sources_refusals(sources, 0, out, 100), 0);
	for (int i = 1; i <= 100; i++)
		sources_refusal_note(sources, &(struct sources_refusal){
						      .at_ms = i,
						      .key = (uint64_t)i % 2 + 1,
						      .reason = REFUSED_DENIED,
						      .peer = {(uint64_t)i, 2, 3},
					      });
	ck_assert_uint_eq(sources_refusals(sources, 0, out, 100), SOURCES_LAST_REFUSALS);
	ck_assert_int_eq(out[0].at_ms, 100);
	ck_assert_int_eq(out[63].at_ms, 37);
	ck_assert_uint_eq(out[63].peer[0], 37);
	ck_assert_int_eq(out[63].reason, REFUSED_DENIED);
	ck_assert_uint_eq(sources_refusals(sources, 2, out, 3), 3);
	ck_assert_int_eq(out[0].at_ms, 99);
	ck_assert_int_eq(out[2].at_ms, 95);
	ck_assert_uint_eq(sources_refusals(sources, 3, out, 3), 0);
}
END_TEST

START_TEST(a_torn_refusal_is_left_out)
{
	struct sources_refusal out[4];

	for (int i = 0; i < 3; i++)
		sources_refusal_note(sources, &(struct sources_refusal){.at_ms = i, .key = 1, .reason = REFUSED_RATE});
	atomic_store(&sources->map->refusal[1].peer[2], 99);
	ck_assert_uint_eq(sources_refusals(sources, 0, out, 4), 2);
	atomic_store(&sources->map->refusal[2].seq, 0);
	ck_assert_uint_eq(sources_refusals(sources, 0, out, 4), 1);
	ck_assert_int_eq(out[0].at_ms, 0);
}
END_TEST

/* ---- a worker that is mad ---- */

static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void call_everything(void)
{
	const struct rate rate = {.n = 3, .per_ms = 1000};
	struct sources_refusal refusal = {.reason = REFUSED_FULL}, out[SOURCES_LAST_REFUSALS];
	struct sources_taken taken;
	uint64_t key = next_random();
	int seat = sources_seat_take(sources);

	ck_assert_int_ge(seat, 0);
	ck_assert_int_lt(seat, 100);
	ck_assert_uint_ne(key_of("192.0.2.1", 32, 64), 0);
	if (sources_sit(sources, (size_t)seat, key, 1 + key % 10, 0, &taken))
		sources_stand(sources, (size_t)seat);
	else
		ck_assert_uint_ge(taken.same, 1 + key % 10);
	if (sources_sit(sources, (size_t)seat, key, 3, key % 5, &taken))
		sources_stand(sources, (size_t)seat);
	(void)sources_taken(sources, key);
	ck_assert_int_ge(sources_rate_take(sources, 0, &rate, NOW_US, &untracked), 0);
	ck_assert_int_ge(sources_rate_take(sources, key, &rate, NOW_US, &untracked), 0);
	ck_assert_int_ge(sources_rate_wait(sources, key, &rate, NOW_US), 0);
	(void)sources_untracked(sources);
	(void)sources_fault(sources, key, FAULT_CRASH, &rule, NOW_MS);
	(void)sources_fault(sources, key, FAULT_REFUSAL, &rule, NOW_MS);
	ck_assert_int_le(sources_penalty(sources, key, NOW_MS).until_ms, NOW_MS + 31 * DAY_MS);
	(void)sources_faults(sources, key, FAULT_CRASH, rule.within_ms, NOW_MS);
	ck_assert_uint_le(sources_penalized(sources, NOW_MS), 256);
	sources_refusal_note(sources, &refusal);
	ck_assert_uint_le(sources_refusals(sources, 0, out, SOURCES_LAST_REFUSALS), SOURCES_LAST_REFUSALS);
	sources_seat_free(sources, (size_t)seat);
}

START_TEST(whatever_is_in_it_nothing_breaks)
{
	uint64_t *words = (uint64_t *)sources->map;
	const uint64_t extremes[] = {0, 1, UINT64_MAX, INT64_MAX, 1ULL << 63, 0x0000ffffffffffffULL};

	for (int round = 0; round < 12; round++) {
		for (size_t i = 0; i < sources->size / sizeof(*words); i++)
			words[i] = round % 2 == 0 ? next_random() : extremes[round / 2];
		call_everything();
	}
	/* the times that are possible, and make up the worst */
	for (size_t i = 0; i < sources->size / sizeof(*words); i++)
		words[i] = (uint64_t)NOW_MS * NS_A_MS + next_random() % (DAY_MS * NS_A_MS);
	call_everything();
}
END_TEST

/* After which a table is of use again: garbage does not hold a record or keep a client out. */
START_TEST(garbage_is_over)
{
	const struct rate rate = {.n = 2, .per_ms = 1000};

	memset(sources->map->record, 0x7f, 256 * sizeof(struct source_record));
	atomic_store(&sources->map->empty_ns, INT64_MAX);
	ck_assert_int_eq(sources_rate_take(sources, 0, &rate, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 8, &rate, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 8, &rate, NOW_US, &untracked), 0);
	ck_assert_int_eq(sources_rate_take(sources, 8, &rate, NOW_US, &untracked), SECOND_US / 2);
	ck_assert(!untracked);
	ck_assert_uint_eq(sources_penalized(sources, NOW_MS), 0);
	ck_assert(!sources_fault(sources, 8, FAULT_CRASH, &rule, NOW_MS));
	ck_assert(!sources_fault(sources, 8, FAULT_CRASH, &rule, NOW_MS));
	ck_assert(sources_fault(sources, 8, FAULT_CRASH, &rule, NOW_MS));
}
END_TEST

int main(void)
{
	return SUITE_RUN("sources", setup, a_worker_maps_what_the_master_made, the_size_is_sealed,
			 what_is_none_is_not_mapped, the_next_image_reads_on, a_source_is_a_network, a_source_is_a_user,
			 the_secret_is_another_in_each_table, a_bucket_fills_and_leaks, no_rate_is_no_limit,
			 extreme_rates, who_asks_with_an_older_time_takes_nothing_back,
			 a_slower_rate_from_before_is_forgotten, a_full_table_lets_in, many_processes_share_a_bucket,
			 a_penalty_begins_and_ends, a_short_penalty_within_a_long_window_begins_anew,
			 faults_far_apart_are_none_together, faults_close_together_are_found, no_rule_no_penalty,
			 a_penalty_survives_a_flood, the_newest_refusals_come_first, a_torn_refusal_is_left_out,
			 whatever_is_in_it_nothing_breaks, garbage_is_over);
}
