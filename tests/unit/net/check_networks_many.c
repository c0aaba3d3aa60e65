/* SPDX-License-Identifier: MIT */
/* Sets of networks: compared with the simplest implementation, and large ones. */
#include "net/networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "net/addr.h"

#include "../peers.h"
#include "../suite.h"

#define ENTRIES_MOST 256

/* ---- against the simplest way ---- */

static uint64_t state = 88172645463325252;

static uint32_t below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % n;
}

static void clear(uint8_t *address, unsigned from, unsigned to)
{
	for (; from < to; from++)
		address[from / 8] &= (uint8_t) ~(0x80 >> (from % 8));
}

/* Few different addresses, so that networks nest and touch; with a long common beginning at times. */
static void some_address(uint8_t *address, size_t size)
{
	static const uint8_t bytes[] = {0, 0, 1, 0x7f, 0x80, 0xfe, 0xff, 0xff};
	size_t i;

	for (i = 0; i < size; i++)
		address[i] = bytes[below(sizeof(bytes))];
	if (below(2) == 0)
		memset(address, below(2) == 0 ? 0 : 0xff, below((uint32_t)size + 1));
}

static bool is_mapped(const uint8_t *a)
{
	return memcmp(a, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
}

static bool covers(const struct network *network, const uint8_t *address)
{
	unsigned i;

	for (i = 0; i < network->bits; i++) {
		if (((network->address[i / 8] ^ address[i / 8]) & (0x80 >> (i % 8))) != 0)
			return false;
	}
	return true;
}

static int64_t slowly(const struct networks_entry *entries, size_t n, enum network_kind kind, const uint8_t *address)
{
	const struct networks_entry *best = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		if (entries[i].network.kind != kind || !covers(&entries[i].network, address))
			continue;
		if (best == NULL || entries[i].network.bits > best->network.bits ||
		    (entries[i].network.bits == best->network.bits && entries[i].rank > best->rank))
			best = &entries[i];
	}
	return best != NULL ? (int64_t)best->value : -1;
}

static int64_t quickly(const struct networks *set, enum network_kind kind, const uint8_t *address)
{
	struct sockaddr_any peer;

	memset(&peer, 0, sizeof(peer));
	if (kind == NETWORK_IP4) {
		peer.in.sin_family = AF_INET;
		memcpy(&peer.in.sin_addr, address, 4);
		peer.len = sizeof(peer.in);
	} else {
		peer.in6.sin6_family = AF_INET6;
		memcpy(&peer.in6.sin6_addr, address, 16);
		peer.len = sizeof(peer.in6);
	}
	return networks_find(set, &peer, NULL);
}

/* ADDRESS, and the one before or behind it, at times. */
static void step(uint8_t *address, size_t size)
{
	uint32_t way = below(3);
	size_t i;

	for (i = size; way != 0 && i-- > 0;) {
		address[i] = (uint8_t)(way == 1 ? address[i] + 1 : address[i] - 1);
		if (address[i] != (way == 1 ? 0 : 0xff))
			break;
	}
}

static void look_around(const struct networks *set, const struct networks_entry *entries, size_t n)
{
	uint8_t address[16] = {0};
	const struct network *network;
	enum network_kind kind;
	unsigned i;
	size_t size;

	for (i = 0; i < 200; i++) {
		kind = below(2) == 0 ? NETWORK_IP4 : NETWORK_IP6;
		size = kind == NETWORK_IP4 ? 4 : 16;
		some_address(address, size);
		if (n > 0 && below(2) == 0) { /* the first or the last of a network, or beside it */
			network = &entries[below((uint32_t)n)].network;
			kind = network->kind;
			size = kind == NETWORK_IP4 ? 4 : 16;
			memcpy(address, network->address, size);
			for (unsigned bit = network->bits; below(2) == 0 && bit < size * 8; bit++)
				address[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
			step(address, size);
		}
		if (kind == NETWORK_IP6 && is_mapped(address))
			ck_assert_int_eq(quickly(set, kind, address), slowly(entries, n, NETWORK_IP4, address + 12));
		else
			ck_assert_int_eq(quickly(set, kind, address), slowly(entries, n, kind, address));
	}
}

START_TEST(as_the_simplest_way)
{
	struct networks_entry entries[ENTRIES_MOST];
	struct network *network;
	unsigned round, size;
	struct networks *set;
	struct arena *arena;
	size_t i, n;

	for (round = 0; round < 3000; round++) {
		n = below(round % 10 == 0 ? ENTRIES_MOST : 24);
		for (i = 0; i < n; i++) {
			entries[i] = (struct networks_entry){.value = (uint32_t)i, .rank = (int)below(3) - 1};
			network = &entries[i].network;
			network->kind = below(2) == 0 ? NETWORK_IP4 : NETWORK_IP6;
			size = network->kind == NETWORK_IP4 ? 4 : 16;
			some_address(network->address, size);
			network->bits = (uint8_t)below(size * 8 + 1);
			clear(network->address, network->bits, size * 8);
		}
		arena = arena_new();
		set = networks_new(arena, entries, n);
		look_around(set, entries, n);
		arena_free(&arena);
	}
}
END_TEST

/* ---- size ---- */

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A look-up among 100,000 networks; with room for slow machines and for memory checkers. */
START_TEST(a_hundred_thousand)
{
	const size_t n = 100000, looks = 1000000;
	struct networks_entry *entries = calloc(n, sizeof(*entries));
	enum network_kind kind = _i == 0 ? NETWORK_IP4 : NETWORK_IP6;
	unsigned size = kind == NETWORK_IP4 ? 4 : 16;
	int64_t begin, laid, found, hits = 0;
	uint8_t address[16];
	struct arena *arena = arena_new();
	struct networks *set;
	size_t i, k;

	ck_assert_ptr_nonnull(entries);
	for (i = 0; i < n; i++) {
		entries[i].value = (uint32_t)i;
		entries[i].network.kind = kind;
		for (k = 0; k < size; k++)
			entries[i].network.address[k] = (uint8_t)below(256);
		entries[i].network.bits = (uint8_t)(kind == NETWORK_IP4 ? 8 + below(25) : 24 + below(105));
		clear(entries[i].network.address, entries[i].network.bits, size * 8);
	}
	begin = now_ns();
	set = networks_new(arena, entries, n);
	laid = now_ns();
	for (i = 0; i < looks; i++) {
		const struct network *near = &entries[below((uint32_t)n)].network;

		memcpy(address, near->address, size);
		address[size - 1] ^= (uint8_t)i;
		hits += quickly(set, kind, address) >= 0;
	}
	found = now_ns();
	(void)printf("# IPv%d: laid in %.1f ms; %.0f ns a look-up, with the making of the address\n",
		     kind == NETWORK_IP4 ? 4 : 6, (double)(laid - begin) / 1e6, (double)(found - laid) / (double)looks);
	ck_assert_int_gt(hits, 0);
	ck_assert_int_lt((found - laid) / (int64_t)looks, 20000);
	arena_free(&arena);
	free(entries);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("networks_many");
	TCase *tcase = tcase_create("networks_many");

	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_test(tcase, as_the_simplest_way);
	tcase_add_loop_test(tcase, a_hundred_thousand, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
