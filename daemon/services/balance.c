/* SPDX-License-Identifier: MIT */
#include "services/balance.h"

#include <string.h>

#include "net/addr.h"

/* splitmix64's last step: every bit of the input changes half of those of the output. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t hash(uint64_t seed, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		seed = mix(seed ^ bytes[i]) + UINT64_C(0x9e3779b97f4a7c15);
	return mix(seed + n);
}

uint64_t balance_name(const char *text)
{
	return hash(1, (const uint8_t *)text, strlen(text));
}

static void keep_bits(uint8_t *bytes, size_t n, int64_t bits)
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
		keep_bits(bytes, 4, bits4);
		return hash(4, bytes, 4);
	}
	if (folded.len >= sizeof(folded.in6) && folded.sa.sa_family == AF_INET6) {
		memcpy(bytes, &folded.in6.sin6_addr, 16);
		keep_bits(bytes, 16, bits6);
		return hash(6, bytes, 16);
	}
	return 0;
}

/*
 * The one with the greatest number comes first, the number made of client and upstream. So each client has an order of
 * its own: when one upstream is gone, its clients spread over all others, and nobody else's choice changes.
 */
static uint64_t weight(const struct balance *balance, size_t i)
{
	return mix(balance->source ^ balance->names[i]);
}

static bool before(const struct balance *balance, uint8_t a, uint8_t b)
{
	switch ((enum config_balance)balance->how) {
	case BALANCE_LEAST_BUSY:
		return balance->busy[a] < balance->busy[b];
	case BALANCE_SOURCE:
		return weight(balance, a) > weight(balance, b);
	case BALANCE_ROUND_ROBIN:
	case BALANCE_FAILOVER:
		break;
	}
	return false;
}

/* Those that are left ALONE, or the others: sorted as they are filled in, and stable, so that equals keep the order of
 * their turns. */
static size_t fill(const struct balance *balance, bool resting, uint8_t *order_out)
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

		for (; at > 0 && before(balance, one, order_out[at - 1]); at--)
			order_out[at] = order_out[at - 1];
		order_out[at] = one;
	}
	return n;
}

void balance_order(const struct balance *balance, uint8_t *order_out)
{
	(void)fill(balance, true, order_out + fill(balance, false, order_out));
}
