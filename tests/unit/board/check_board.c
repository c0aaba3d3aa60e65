/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "board/board.h"
#include "net/addr.h"

#include "../suite.h"

static struct board board;
static struct err err;

static void setup(void)
{
	ck_assert_int_eq(board_create(&board, 2, 3, &err), 0);
}

START_TEST(slots_are_taken_and_freed)
{
	int a = board_slot_take(&board, 1), b = board_slot_take(&board, 2);
	int c = board_slot_take(&board, 3);

	ck_assert(a != b && b != c && a != c && a >= 0 && b >= 0 && c >= 0);
	ck_assert_int_eq(board_slot_take(&board, 4), -1);
	atomic_store(&board.slots[b].accepted, 77);
	board_slot_free(&board, (size_t)b);
	ck_assert_int_eq(board_slot_take(&board, 5), b);
	ck_assert_uint_eq(board.slots[b].accepted, 0);
	ck_assert_uint_eq(board.slots[b].state, SLOT_STARTING);
}
END_TEST

/* A worker can write anything to the board. */
START_TEST(the_master_does_not_believe_it)
{
	int first = board_slot_take(&board, 1);

	memset(board.head, 0xff, sizeof(*board.head));
	memset(board.slots, 0xff, 3 * sizeof(*board.slots));
	ck_assert_int_ge(board_slot_take(&board, 2), 0);
	memset(board.slots, 0, 3 * sizeof(*board.slots)); /* as if all slots were free */
	ck_assert_int_ne(board_slot_take(&board, 3), first);
	ck_assert_int_eq(board_slot_take(&board, 4), -1);
}
END_TEST

/* A worker that ran wild must not keep the next one from its board. */
START_TEST(whatever_is_in_it_it_is_mapped)
{
	int fd = fcntl(board.fd, F_DUPFD_CLOEXEC, 3);
	struct board mine;

	memset(board.head, 0xff, board.size);
	ck_assert_int_eq(board_map(&mine, fd, 2, 3, &err), 0);
	ck_assert_uint_eq(mine.n_lanes, 2);
	ck_assert_uint_eq(mine.n_slots, 3);
	ck_assert_uint_eq(mine.slots[2].turn, UINT32_MAX);
	board_close(&mine);
	fd = fcntl(board.fd, F_DUPFD_CLOEXEC, 3);
	ck_assert_int_eq(board_adopt(&mine, fd, 2, 3, &err), 0);
	board_close(&mine);
}
END_TEST

START_TEST(neighbours_share_no_cache_line)
{
	ck_assert_uint_eq((uintptr_t)&board.slots[0] % BOARD_ALIGN, 0);
	ck_assert_uint_eq(sizeof(struct board_slot) % BOARD_ALIGN, 0);
	ck_assert_uint_eq((uintptr_t)&board.lanes[1] % BOARD_ALIGN, 0);
}
END_TEST

START_TEST(the_size_is_sealed)
{
	ck_assert_int_lt(ftruncate(board.fd, 0), 0);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_lt(ftruncate(board.fd, 1 << 20), 0);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(a_child_sees_it_only_through_the_descriptor)
{
	struct board mine;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		/* ENOMEM: nothing is mapped at the address of the parent's mapping */
		if (msync(board.head, 1, MS_ASYNC) == 0 || errno != ENOMEM)
			_exit(1);
		if (board_map(&mine, board.fd, 2, 3, &err) < 0)
			_exit(2);
		atomic_store(&mine.slots[2].bytes_in, 42);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(board.slots[2].bytes_in, 42);
}
END_TEST

/* ---- the board of another image of the program ---- */

START_TEST(the_next_image_reads_on)
{
	int a = board_slot_take(&board, 1), b = board_slot_take(&board, 2);
	struct board next;

	atomic_store(&board.slots[b].accepted, 7);
	ck_assert_int_eq(board_adopt(&next, board.fd, 2, 3, &err), 0);
	ck_assert_uint_eq(next.slots[b].accepted, 7);
	ck_assert_int_eq(board_slot_keep(&next, (size_t)a), 0);
	ck_assert_int_eq(board_slot_keep(&next, (size_t)b), 0);
	/* its worker still writes to it */
	atomic_store(&board.slots[b].accepted, 8);
	ck_assert_uint_eq(next.slots[b].accepted, 8);
	ck_assert_int_ge(board_slot_take(&next, 3), 0);
	ck_assert_int_eq(board_slot_take(&next, 4), -1);
	ck_assert_uint_eq(next.slots[b].accepted, 8);
	next.fd = -1;
	board_close(&next);
}
END_TEST

START_TEST(a_slot_is_kept_once)
{
	struct board next;

	ck_assert_int_eq(board_adopt(&next, board.fd, 2, 3, &err), 0);
	ck_assert_int_eq(board_slot_keep(&next, 1), 0);
	ck_assert_int_eq(board_slot_keep(&next, 1), -1);
	ck_assert_int_eq(board_slot_keep(&next, 3), -1);
	ck_assert_int_eq(board_slot_keep(&next, SIZE_MAX), -1);
	next.fd = -1;
	board_close(&next);
}
END_TEST

START_TEST(of_another_size_nothing_is_read)
{
	static const size_t others[][2] = {{2, 4}, {2, 2}, {1, 3}, {3, 3}, {0, 0}, {2, SIZE_MAX / 2}};
	struct board next;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		ck_assert_int_eq(board_adopt(&next, board.fd, others[i][0], others[i][1], &err), -1);
		ck_assert_str_ne(err.text, "");
		ck_assert_int_eq(board_map(&next, board.fd, others[i][0], others[i][1], &err), -1);
	}
}
END_TEST

START_TEST(what_is_no_board_is_not_read)
{
	struct board next;
	int pair[2], small = memfd_create("small", MFD_CLOEXEC);

	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	ck_assert_int_eq(board_adopt(&next, pair[0], 2, 3, &err), -1);
	ck_assert_int_eq(board_adopt(&next, small, 2, 3, &err), -1);
	ck_assert_int_eq(ftruncate(small, (off_t)board.size - 1), 0);
	ck_assert_int_eq(board_adopt(&next, small, 2, 3, &err), -1);
	ck_assert_int_eq(board_adopt(&next, -1, 2, 3, &err), -1);
}
END_TEST

static void round_trip(const char *host, uint16_t port)
{
	struct sockaddr_any in = {.len = sizeof(in.in)}, out;
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];

	in.in.sin_family = AF_INET;
	in.in.sin_port = htons(port);
	if (inet_pton(AF_INET, host, &in.in.sin_addr) != 1) {
		in = (struct sockaddr_any){.len = sizeof(in.in6)};
		in.in6.sin6_family = AF_INET6;
		in.in6.sin6_port = htons(port);
		ck_assert_int_eq(inet_pton(AF_INET6, host, &in.in6.sin6_addr), 1);
	}
	board_peer_set(&board.slots[0], &in);
	board_peer_get(&board.slots[0], &out);
	ck_assert_str_eq(addr_format(&in, a, sizeof(a)), addr_format(&out, b, sizeof(b)));
}

START_TEST(peers_survive_packing)
{
	round_trip("192.0.2.7", 65535);
	round_trip("127.0.0.1", 1);
	round_trip("2001:db8::1:2", 4711);
}
END_TEST

START_TEST(garbage_in_a_slot_is_no_peer)
{
	struct sockaddr_any out;
	char text[ADDR_TEXT_MAX];

	memset(&board.slots[1], 0xff, sizeof(board.slots[1]));
	board_peer_get(&board.slots[1], &out);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_ptr_nonnull(addr_format(&out, text, sizeof(text)));
}
END_TEST

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

START_TEST(one_ring_until_it_is_answered)
{
	int ring = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t count = 0;

	for (int i = 0; i < 5; i++)
		board_ring(&board, ring);
	ck_assert_int_eq(read(ring, &count, sizeof(count)), sizeof(count));
	ck_assert_uint_eq(count, 1);
	board_ring(&board, ring);
	ck_assert(!readable(ring));
	board_answer(&board, ring);
	board_ring(&board, ring);
	ck_assert(readable(ring));
}
END_TEST

/* O_NONBLOCK is of the description, so a worker can clear it for the master. */
START_TEST(a_ring_that_blocks_does_not_block_the_master)
{
	int ring = eventfd(0, EFD_CLOEXEC);

	alarm(2);
	board_answer(&board, ring); /* nobody has rung */
	board_ring(&board, ring);
	board_answer(&board, ring);
	ck_assert(!readable(ring));
	ck_assert_int_eq(eventfd_write(ring, UINT64_MAX - 1), 0); /* the next worker that rings would wait */
	board_answer(&board, ring);
	board_ring(&board, ring);
	ck_assert(readable(ring));
	alarm(0);
}
END_TEST

START_TEST(hours_change_at_their_time)
{
	ck_assert(board_hours_open(board_hours(true, 1000), 999));
	ck_assert(!board_hours_open(board_hours(true, 1000), 1000));
	ck_assert(!board_hours_open(board_hours(false, 1000), 999));
	ck_assert(board_hours_open(board_hours(false, 1000), 1000));
	ck_assert(board_hours_open(board_hours(true, INT64_MAX), INT64_MAX - 1));
	ck_assert(!board_hours_open(board_hours(false, INT64_MAX), INT64_MAX - 1));
	(void)board_hours_open(INT64_MIN, 0); /* damaged */
}
END_TEST

int main(void)
{
	return SUITE_RUN("board", setup, slots_are_taken_and_freed, the_master_does_not_believe_it,
			 whatever_is_in_it_it_is_mapped, neighbours_share_no_cache_line, the_size_is_sealed,
			 a_child_sees_it_only_through_the_descriptor, peers_survive_packing,
			 garbage_in_a_slot_is_no_peer, hours_change_at_their_time, one_ring_until_it_is_answered,
			 a_ring_that_blocks_does_not_block_the_master, the_next_image_reads_on, a_slot_is_kept_once,
			 of_another_size_nothing_is_read, what_is_no_board_is_not_read);
}
