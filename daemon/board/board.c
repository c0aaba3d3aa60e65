/* SPDX-License-Identifier: MIT */
#include "board/board.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "board/packed_address.h"
#include "board/shared_memory.h"

#define BOARD_VERSION 10U

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics on shared memory must be lock-free");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "atomics on shared memory must be lock-free");

static size_t head_size(void)
{
	return (sizeof(struct board_head) + BOARD_ALIGN - 1) / BOARD_ALIGN * BOARD_ALIGN;
}

static size_t size_of(size_t n_lanes, size_t n_slots)
{
	return head_size() + n_lanes * sizeof(struct board_lane) + n_slots * sizeof(struct board_slot);
}

static void set_pointers(struct board *board, void *memory, size_t n_lanes, size_t n_slots)
{
	char *at = memory;

	board->head = memory;
	board->lanes = (struct board_lane *)(at + head_size());
	board->slots = (struct board_slot *)(at + head_size() + n_lanes * sizeof(struct board_lane));
	board->n_lanes = n_lanes;
	board->n_slots = n_slots;
}

/* The part that only the master's mapping has. It is kept from the workers of other services, and knows which slots are
 * taken. On failure the memory is unmapped. */
static int make_masters(struct board *board, void *memory, size_t n_slots, struct err *err)
{
	if (madvise(memory, board->size, MADV_DONTFORK) < 0) {
		(void)err_sys(err, "cannot keep a board from other services");
		(void)munmap(memory, board->size);
		return -1;
	}
	board->used = calloc(n_slots, sizeof(*board->used));
	if (board->used == NULL) {
		(void)munmap(memory, board->size);
		return err_set(err, "no memory for a board");
	}
	return 0;
}

int board_create(struct board *board, size_t n_lanes, size_t n_slots, struct err *err)
{
	void *memory;

	*board = (struct board){.size = size_of(n_lanes, n_slots)};
	board->fd = shared_memory_create("preforkd-board", "board", board->size, err);
	if (board->fd < 0)
		return -1;
	memory = mmap(NULL, board->size, PROT_READ | PROT_WRITE, MAP_SHARED, board->fd, 0);
	if (memory == MAP_FAILED) {
		(void)err_sys(err, "cannot map a board of %zu bytes", board->size);
		goto fail;
	}
	if (make_masters(board, memory, n_slots, err) < 0)
		goto fail;
	set_pointers(board, memory, n_lanes, n_slots);
	return 0;
fail:
	fd_close(&board->fd);
	return -1;
}

int board_map(struct board *board, int fd, size_t n_lanes, size_t n_slots, struct err *err)
{
	off_t size = lseek(fd, 0, SEEK_END);
	void *memory;

	*board = (struct board){.fd = fd};
	if (size <= 0 || (size_t)size != size_of(n_lanes, n_slots))
		return err_set(err, "the board has another size than expected");
	memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return err_sys(err, "cannot map the board");
	board->size = (size_t)size;
	set_pointers(board, memory, n_lanes, n_slots);
	return 0;
}

int board_adopt(struct board *board, int fd, size_t n_lanes, size_t n_slots, struct err *err)
{
	if (board_map(board, fd, n_lanes, n_slots, err) < 0)
		return -1;
	return make_masters(board, board->head, n_slots, err);
}

int board_slot_keep(struct board *board, size_t slot)
{
	if (slot >= board->n_slots || board->used[slot])
		return -1;
	board->used[slot] = true;
	return 0;
}

uint32_t board_version(void)
{
	return BOARD_VERSION;
}

int64_t board_hours(bool open, int64_t until)
{
	return open ? until : -until;
}

bool board_hours_open(int64_t hours, int64_t now)
{
	return hours > 0 ? now < hours : -now <= hours;
}

void board_close(struct board *board)
{
	if (board->head != NULL)
		(void)munmap(board->head, board->size);
	free(board->used);
	*board = (struct board){.fd = board->fd};
	fd_close(&board->fd);
}

int board_slot_take(struct board *board, int64_t now_ms)
{
	for (size_t k = 0; k < board->n_slots; k++) {
		size_t i = (board->next + k) % board->n_slots;
		struct board_slot *slot = &board->slots[i];

		if (board->used[i])
			continue;
		board->used[i] = true;
		board->next = i + 1;
		memset(slot, 0, sizeof(*slot));
		atomic_store(&slot->since_ms, now_ms);
		atomic_store(&slot->state, SLOT_STARTING);
		return (int)i;
	}
	return -1;
}

void board_slot_free(struct board *board, size_t slot)
{
	memset(&board->slots[slot], 0, sizeof(board->slots[slot]));
	board->used[slot] = false;
}

void board_peer_set(struct board_slot *slot, const struct sockaddr_any *peer)
{
	uint64_t words[PACKED_ADDRESS_WORDS];

	packed_address_set(words, peer);
	for (int i = 0; i < PACKED_ADDRESS_WORDS; i++)
		atomic_store_explicit(&slot->peer[i], words[i], memory_order_relaxed);
}

void board_via_set(struct board_slot *slot, const struct sockaddr_any *via)
{
	uint64_t words[PACKED_ADDRESS_WORDS];

	packed_address_set(words, via);
	for (int i = 0; i < PACKED_ADDRESS_WORDS; i++)
		atomic_store_explicit(&slot->via[i], words[i], memory_order_relaxed);
}

static void copy(_Atomic uint64_t *to, const _Atomic uint64_t *from)
{
	atomic_store_explicit(to, atomic_load_explicit(from, memory_order_relaxed), memory_order_relaxed);
}

void board_client_begin(struct board_slot *slot)
{
	copy(&slot->bytes_in_before, &slot->bytes_in);
	copy(&slot->bytes_out_before, &slot->bytes_out);
	atomic_store_explicit(&slot->finishing, 0, memory_order_relaxed);
	/* the family, which is 0: the last client's proxy is not this one's */
	atomic_store_explicit(&slot->via[PACKED_ADDRESS_WORDS - 1], 0, memory_order_relaxed);
}

void board_peer_get(const struct board_slot *slot, struct sockaddr_any *peer_out)
{
	uint64_t words[PACKED_ADDRESS_WORDS];

	for (int i = 0; i < PACKED_ADDRESS_WORDS; i++)
		words[i] = atomic_load_explicit(&slot->peer[i], memory_order_relaxed);
	packed_address_get(words, peer_out);
}

void board_ring(struct board *board, int ring_fd)
{
	uint64_t one = 1;

	if (atomic_exchange(&board->head->rung, 1) != 0)
		return;
	/* does not block: with at most one ring under way the eventfd is never full */
	while (write(ring_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/*
 * O_NONBLOCK belongs to the description of the ring, which all workers share, so a worker can clear it. RWF_NOWAIT
 * belongs to this call alone. Where the kernel does not take it for an eventfd, poll(2) comes first; then a worker that
 * reads the ring, too, can still make this call wait for the next ring.
 */
static void read_ring(int ring_fd)
{
	struct pollfd p = {.fd = ring_fd, .events = POLLIN};
	uint64_t count;
	const struct iovec iov = {.iov_base = &count, .iov_len = sizeof(count)};

	if (preadv2(ring_fd, &iov, 1, -1, RWF_NOWAIT) < 0 && errno == EOPNOTSUPP && poll(&p, 1, 0) == 1)
		(void)!read(ring_fd, &count, sizeof(count));
}

void board_answer(struct board *board, int ring_fd)
{
	read_ring(ring_fd);
	atomic_store(&board->head->rung, 0);
}
