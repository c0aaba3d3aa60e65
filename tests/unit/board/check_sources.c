/* SPDX-License-Identifier: MIT */
/* The table of sources: its map, its keys, its last refusals, and damage by a worker. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "board/sources.h"
#include "board/sources_map.h"
#include "net/addr.h"
#include "net/unix_peer.h"

#include "../peers.h"
#include "../suite.h"
#include "sources_case.h"

static uint64_t key_of(const char *text, int prefix4, int prefix6)
{
	struct sockaddr_any peer = at(text);

	peer.in.sin_port = (in_port_t)random(); /* at the same offset in both structs */
	return sources_key(sources, &peer, NULL, prefix4, prefix6);
}

/* ---- the map ---- */

START_TEST(a_worker_maps_what_the_master_made)
{
	struct sources mine;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		/* ENOMEM: nothing is mapped at the address of the parent's mapping */
		if (msync(sources->map, 1, MS_ASYNC) == 0 || errno != ENOMEM)
			_exit(1);
		if (sources_map(&mine, sources, &err) < 0 || mine.n_records != 256 || mine.fd != -1)
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
	struct sources mine, other = {.fd = -1, .n_records = 256};

	ck_assert_int_eq(sources_map(&mine, &other, &err), -1);
	ck_assert_ptr_null(mine.map);
	other.fd = memfd_create("short", MFD_CLOEXEC);
	ck_assert_int_eq(sources_map(&mine, &other, &err), -1);
	ck_assert_int_eq(ftruncate(other.fd, (off_t)sources->size + 1), 0);
	ck_assert_int_eq(sources_map(&mine, &other, &err), -1);
	fd_close(&other.fd);
	ck_assert_ptr_null(sources_new(0, &err));
	ck_assert_ptr_null(sources_new(SIZE_MAX, &err));
}
END_TEST

START_TEST(the_next_image_reads_on)
{
	const struct rate rate = {.n = 1, .per_ms = 1000};
	struct sources was = *sources, *next, *same;
	int fd = fcntl(sources->fd, F_DUPFD_CLOEXEC, 3), other = memfd_create("other", MFD_CLOEXEC);
	uint64_t key = key_of("192.0.2.1", 32, 64);
	struct sockaddr_any peer = at("192.0.2.1");

	ck_assert_int_eq(sources_rate_take(sources, 9, &rate, NOW_US, &untracked), 0);
	was.fd = fd;
	for (was.n_records = 0; was.n_records <= 512; was.n_records += 512)
		ck_assert_ptr_null(sources_adopt(&was, &err));
	was.n_records = 256;
	was.fd = -1;
	ck_assert_ptr_null(sources_adopt(&was, &err));
	/* a file that is not sealed could shrink while it is mapped */
	ck_assert_int_eq(ftruncate(other, (off_t)sources->size), 0);
	was.fd = other;
	ck_assert_ptr_null(sources_adopt(&was, &err));
	was.fd = fd;
	next = sources_adopt(&was, &err);
	ck_assert_msg(next != NULL, "%s", err.text);
	ck_assert_uint_eq(sources_key(next, &peer, NULL, 32, 64), key);
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
	/* link-local: the same address on two links is two hosts */
	ck_assert_uint_ne(key_on_link("fe80::1", 1), key_on_link("fe80::1", 2));
	ck_assert_uint_eq(key_on_link("2001:db8::1", 1), key_on_link("2001:db8::1", 2));
	/* longer than an address */
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

/* Else a worker that ran wild could choose which sources count as the same. */
START_TEST(the_secret_is_not_in_the_map)
{
	uint64_t key = key_of("192.0.2.1", 32, 64);
	struct sockaddr_any peer = at("192.0.2.1");
	struct sources mine;

	memset(sources->map, 0xff, 4096);
	ck_assert_uint_eq(key_of("192.0.2.1", 32, 64), key);
	ck_assert_int_eq(sources_map(&mine, sources, &err), 0);
	ck_assert_uint_eq(sources_key(&mine, &peer, NULL, 32, 64), key);
}
END_TEST

START_TEST(the_secret_is_another_in_each_table)
{
	uint64_t key = key_of("192.0.2.1", 32, 64);

	renew();
	ck_assert_uint_ne(key_of("192.0.2.1", 32, 64), key);
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

/* ---- a worker that runs wild ---- */

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
	/* the worst of the possible times */
	for (size_t i = 0; i < sources->size / sizeof(*words); i++)
		words[i] = (uint64_t)NOW_MS * NS_A_MS + next_random() % (DAY_MS * NS_A_MS);
	call_everything();
}
END_TEST

/* Later the table works again: damaged data neither keeps a record taken nor keeps a client out. */
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
			 the_secret_is_not_in_the_map, the_secret_is_another_in_each_table,
			 the_newest_refusals_come_first, a_torn_refusal_is_left_out, whatever_is_in_it_nothing_breaks,
			 garbage_is_over);
}
