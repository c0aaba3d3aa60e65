/* SPDX-License-Identifier: MIT */
#include "services/balance.h"

#include <string.h>

#include "net/addr.h"

/* The last step of splitmix64: each bit of the input changes about half of the bits of the output. */
static uint64_t mix_bits(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t hash_bytes(uint64_t seed, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		seed = mix_bits(seed ^ bytes[i]) + UINT64_C(0x9e3779b97f4a7c15);
	return mix_bits(seed + n);
}

uint64_t balance_name(const char *text)
{
	return hash_bytes(1, (const uint8_t *)text, strlen(text));
}

static void keep_prefix(uint8_t *bytes, size_t n, int64_t bits)
{
	for (size_t i = 0; i < n; i++) {
		int64_t here = bits - (int64_t)i * 8;

		if (here < 8)
			bytes[i] &= (uint8_t)(here <= 0 ? 0 : 0xff << (8 - here));
	}
}

uint64_t balance_source(const struct sockaddr_any *client, int64_t bits4, int64_t bits6)
{
	struct sockaddr_any folded = *client;
	uint8_t bytes[16];

	addr_fold(&folded);
	if (folded.len >= sizeof(folded.in) && folded.sa.sa_family == AF_INET) {
		memcpy(bytes, &folded.in.sin_addr, 4);
		keep_prefix(bytes, 4, bits4);
		return hash_bytes(4, bytes, 4);
	}
	if (folded.len >= sizeof(folded.in6) && folded.sa.sa_family == AF_INET6) {
		memcpy(bytes, &folded.in6.sin6_addr, 16);
		keep_prefix(bytes, 16, bits6);
		return hash_bytes(6, bytes, 16);
	}
	return 0;
}

/*
 * Rendezvous hashing: each pair of client and upstream has a weight, and the upstream with the greatest weight comes
 * first. So each client has an order of its own: when an upstream fails, its clients spread over all others, and the
 * other clients keep theirs.
 */
static uint64_t weight_of(const struct balance *balance, size_t i)
{
	return mix_bits(balance->source ^ balance->names[i]);
}

static bool comes_before(const struct balance *balance, uint8_t a, uint8_t b)
{
	switch ((enum config_balance)balance->how) {
	case BALANCE_LEAST_BUSY:
		return balance->busy[a] < balance->busy[b];
	case BALANCE_SOURCE:
		return weight_of(balance, a) > weight_of(balance, b);
	case BALANCE_ROUND_ROBIN:
	case BALANCE_FAILOVER:
		break;
	}
	return false;
}

/* Appends the upstreams that are RESTING, or those that are not, by insertion sort. The sort is stable, so equals keep
 * the order of their turns. Returns how many. */
static size_t add_group(const struct balance *balance, bool resting, uint8_t *order_out)
{
	bool turns = balance->how == BALANCE_ROUND_ROBIN || balance->how == BALANCE_LEAST_BUSY;
	uint8_t members[CONFIG_UPSTREAMS_MOST];
	size_t n = 0;

	for (size_t i = 0; i < balance->n; i++)
		if (balance->resting[i] == resting)
			members[n++] = (uint8_t)i;
	for (size_t i = 0; i < n; i++) {
		uint8_t one = members[turns ? (balance->turn % n + i) % n : i];
		size_t at = i;

		for (; at > 0 && comes_before(balance, one, order_out[at - 1]); at--)
			order_out[at] = order_out[at - 1];
		order_out[at] = one;
	}
	return n;
}

void balance_order(const struct balance *balance, uint8_t *order_out)
{
	(void)add_group(balance, true, order_out + add_group(balance, false, order_out));
}
