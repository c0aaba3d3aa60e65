/* SPDX-License-Identifier: MIT */
#include "board/targets.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "board/packed_address.h"
#include "board/shared_memory.h"

#define TARGETS_VERSION 3U
#define TRIES		100  /* to read addresses that are being written */
#define WRITING_MS	1000 /* after this time a writer counts as dead */

static size_t head_size(void)
{
	return (sizeof(struct targets_head) + BOARD_ALIGN - 1) / BOARD_ALIGN * BOARD_ALIGN;
}

static size_t size_of(size_t n)
{
	return head_size() + n * sizeof(struct target);
}

int targets_create(size_t n, struct err *err)
{
	return shared_memory_create("preforkd-targets", "memory for targets", size_of(n), err);
}

unsigned targets_version(void)
{
	return TARGETS_VERSION;
}

int targets_map(struct targets *targets, int fd, size_t n, struct err *err)
{
	off_t size = lseek(fd, 0, SEEK_END);
	void *memory;

	*targets = (struct targets){.head = NULL};
	if (size != (off_t)size_of(n))
		return err_set(err, "the memory for targets has another size than expected");
	memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return err_sys(err, "cannot map the memory for targets");
	targets->head = memory;
	targets->target = (struct target *)((char *)memory + head_size());
	targets->n = n;
	targets->size = (size_t)size;
	return 0;
}

void targets_unmap(struct targets *targets)
{
	if (targets->head != NULL)
		(void)munmap(targets->head, targets->size);
	*targets = (struct targets){.head = NULL};
}

static uint64_t load_word(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* False: it is not an internet address; only those come from look-ups. */
static bool unpack_address(const uint64_t words[PACKED_ADDRESS_WORDS], struct sockaddr_any *out)
{
	packed_address_get(words, out);
	return out->sa.sa_family == AF_INET || out->sa.sa_family == AF_INET6;
}

/* False when they were written meanwhile. */
static bool read_words(const struct target *target, uint32_t *n_out,
		       uint64_t words[TARGET_ADDRESSES][PACKED_ADDRESS_WORDS])
{
	uint32_t version = atomic_load_explicit(&target->version, memory_order_acquire);

	if (version % 2 != 0)
		return false;
	*n_out = atomic_load_explicit(&target->n, memory_order_relaxed);
	for (int i = 0; i < TARGET_ADDRESSES; i++)
		for (int k = 0; k < PACKED_ADDRESS_WORDS; k++)
			words[i][k] = load_word(&target->address[i][k]);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&target->version, memory_order_relaxed) == version;
}

size_t target_addresses(const struct target *target, struct sockaddr_any *out, int64_t *until_out, size_t max)
{
	uint64_t words[TARGET_ADDRESSES][PACKED_ADDRESS_WORDS];
	int tries = TRIES;
	size_t n = 0;
	uint32_t known;

	while (!read_words(target, &known, words))
		if (--tries == 0)
			return 0;
	for (uint32_t i = 0; i < known && i < TARGET_ADDRESSES && n < max; i++) {
		if (!unpack_address(words[i], &out[n]))
			continue;
		if (until_out != NULL)
			until_out[n] = atomic_load_explicit(&target->address_until_ms[i], memory_order_relaxed);
		n++;
	}
	return n;
}

/* False: another process writes the addresses, or their rests. */
static bool begin_writing(struct target *target)
{
	int64_t now = clock_ms(), writing = atomic_load(&target->writing_ms);

	return writing <= now && atomic_compare_exchange_strong(&target->writing_ms, &writing, now + WRITING_MS);
}

/* While this process writes. */
static void set_rests(struct target *target, const struct sockaddr_any *list, size_t n)
{
	int64_t until[TARGET_ADDRESSES], next[TARGET_ADDRESSES] = {0};
	struct sockaddr_any known[TARGET_ADDRESSES];
	size_t n_known = target_addresses(target, known, until, TARGET_ADDRESSES);

	for (size_t i = 0; i < n && i < TARGET_ADDRESSES; i++)
		for (size_t k = 0; k < n_known; k++)
			if (addr_equal(&list[i], &known[k]))
				next[i] = until[k];
	for (size_t i = 0; i < TARGET_ADDRESSES; i++)
		atomic_store_explicit(&target->address_until_ms[i], next[i], memory_order_relaxed);
}

void target_set_addresses(struct target *target, const struct sockaddr_any *list, size_t n)
{
	uint32_t version;

	if (!begin_writing(target))
		return;
	set_rests(target, list, n);
	version = atomic_load(&target->version) | 1;
	atomic_store(&target->version, version);
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < n && i < TARGET_ADDRESSES; i++) {
		uint64_t word[PACKED_ADDRESS_WORDS];

		packed_address_set(word, &list[i]);
		for (int k = 0; k < PACKED_ADDRESS_WORDS; k++)
			atomic_store_explicit(&target->address[i][k], word[k], memory_order_relaxed);
	}
	atomic_store_explicit(&target->n, n < TARGET_ADDRESSES ? (uint32_t)n : TARGET_ADDRESSES, memory_order_relaxed);
	atomic_store_explicit(&target->version, version + 1, memory_order_release);
	atomic_store(&target->writing_ms, 0);
}

/* The end of the rest of the address ADDR; NULL: it is none of the addresses. */
static _Atomic int64_t *find_rest(struct target *target, const struct sockaddr_any *addr)
{
	uint64_t words[TARGET_ADDRESSES][PACKED_ADDRESS_WORDS];
	struct sockaddr_any one;
	uint32_t n;

	if (!read_words(target, &n, words))
		return NULL;
	for (uint32_t i = 0; i < n && i < TARGET_ADDRESSES; i++)
		if (unpack_address(words[i], &one) && addr_equal(&one, addr))
			return &target->address_until_ms[i];
	return NULL;
}

bool target_rest_address(struct target *target, const struct sockaddr_any *addr, int64_t was, int64_t until_ms)
{
	_Atomic int64_t *rest;
	bool done;

	if (!begin_writing(target))
		return false;
	rest = find_rest(target, addr);
	done = rest != NULL && atomic_compare_exchange_strong(rest, &was, until_ms);
	atomic_store(&target->writing_ms, 0);
	return done;
}

int64_t target_rest_left(int64_t until_ms, int64_t now, int64_t pause, int64_t connect_timeout)
{
	return now < until_ms && until_ms - now <= pause + connect_timeout + TARGET_LOOK_UP_MS ? until_ms - now : 0;
}

void target_copy(struct target *to, const struct target *from)
{
	struct sockaddr_any list[TARGET_ADDRESSES];
	int64_t until[TARGET_ADDRESSES];
	size_t n = target_addresses(from, list, until, TARGET_ADDRESSES);

	if (n > 0)
		target_set_addresses(to, list, n);
	for (size_t i = 0; i < n; i++)
		(void)target_rest_address(to, &list[i], 0, until[i]);
	atomic_store(&to->until_ms, atomic_load(&from->until_ms));
	atomic_store(&to->fresh_until_ms, n > 0 ? atomic_load(&from->fresh_until_ms) : 0);
	atomic_store(&to->kept, atomic_load(&from->kept));
}
