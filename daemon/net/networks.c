/* SPDX-License-Identifier: MIT */
/*
 * Networks nest but never overlap in part. So a set of N networks divides the addresses into at most 2 N + 1 ranges,
 * each with the innermost network that covers it. One sweep over the sorted networks, with a stack of those that are
 * open, makes the ranges; a look-up is a binary search. IPv4 and IPv6 have separate ranges, each with numbers of its
 * own size, because a small table makes the search fast.
 */
#include "net/networks.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "net/addr.h"
#include "net/networks_unix.h"

#define NONE	  UINT32_MAX
#define OPEN_MOST (128 + 1) /* nested networks: one for each length of a prefix */

/* An address as a number; IPv4: in lo. */
struct number {
	uint64_t hi, lo;
};

/* One network while a set is built. */
struct item {
	struct number first;
	uint32_t value, order;
	int rank;
	uint8_t bits;
};

/* A network of a finished set: its value, and the rest for networks_equal(). */
struct kept {
	struct number first;
	uint32_t value;
	uint8_t bits;
};

/* The ranges of one family. Range I begins at first*[I] and ends before the next; the first begins at 0. */
struct ranges {
	uint32_t *first4; /* one of the two, by family */
	struct number *first6;
	uint32_t *net; /* index into nets; NONE: in no network */
	size_t n;
	struct kept *nets; /* by address, larger networks before smaller ones */
	size_t n_nets;
};

struct networks {
	struct ranges ip4, ip6;
	struct networks_unix local;
};

static bool is_less(struct number a, struct number b)
{
	return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
}

static bool is_same(struct number a, struct number b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

static uint64_t read_bytes(const uint8_t *bytes, size_t n)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < n; i++)
		number = number << 8 | bytes[i];
	return number;
}

static struct number read_address(enum network_kind kind, const uint8_t *address)
{
	if (kind == NETWORK_IP4)
		return (struct number){.lo = read_bytes(address, 4)};
	return (struct number){.hi = read_bytes(address, 8), .lo = read_bytes(address + 8, 8)};
}

/* The first address after the network; false: the network reaches the end of its family. */
static bool find_end(bool is4, struct number first, int bits, struct number *out)
{
	int rest = (is4 ? 32 : 128) - bits;

	*out = first;
	if (rest >= 64) {
		out->lo = 0;
		return rest < 128 && !__builtin_add_overflow(first.hi, UINT64_C(1) << (rest - 64), &out->hi);
	}
	if (!__builtin_add_overflow(first.lo, UINT64_C(1) << rest, &out->lo))
		return !is4 || out->lo <= UINT32_MAX;
	return !__builtin_add_overflow(first.hi, 1, &out->hi);
}

/* By address, then larger networks first; of equal networks first the one that counts. */
static int compare_items(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;

	if (!is_same(a->first, b->first))
		return is_less(a->first, b->first) ? -1 : 1;
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Sorts, and drops all but the first of equal networks; returns the new number. */
static size_t sort_items(struct item *items, size_t n)
{
	size_t i, out = 0;

	qsort(items, n, sizeof(*items), compare_items);
	for (i = 0; i < n; i++) {
		if (out > 0 && is_same(items[out - 1].first, items[i].first) && items[out - 1].bits == items[i].bits)
			continue;
		items[out++] = items[i];
	}
	return out;
}

/* From FIRST on NET is the innermost network. Overwrites the range before if that is empty. */
static void begin_range(struct ranges *ranges, struct number first, uint32_t net)
{
	size_t i = ranges->n;

	if (i > 0 &&
	    (ranges->first4 != NULL ? ranges->first4[i - 1] == first.lo : is_same(ranges->first6[i - 1], first)))
		i--;
	if (ranges->first4 != NULL)
		ranges->first4[i] = (uint32_t)first.lo;
	else
		ranges->first6[i] = first;
	ranges->net[i] = net;
	ranges->n = i + 1;
}

/* The networks around the current address of the sweep, the innermost on top, and their ends. */
struct open_networks {
	uint32_t net[OPEN_MOST];
	struct number end[OPEN_MOST];
	bool has_end[OPEN_MOST]; /* false: it reaches the end of the family */
	size_t n;
};

/* Closes the networks that end before TO (NULL: before the end of the family). */
static void close_networks(struct ranges *ranges, struct open_networks *open, const struct number *to)
{
	while (open->n > 0 && open->has_end[open->n - 1] && (to == NULL || !is_less(*to, open->end[open->n - 1]))) {
		open->n--;
		begin_range(ranges, open->end[open->n], open->n > 0 ? open->net[open->n - 1] : NONE);
	}
}

static void cut_ranges(struct ranges *ranges)
{
	const bool is4 = ranges->first4 != NULL;
	struct open_networks open = {.n = 0};
	const struct kept *net;
	size_t i;

	begin_range(ranges, (struct number){.lo = 0}, NONE);
	for (i = 0; i < ranges->n_nets; i++) {
		net = &ranges->nets[i];
		close_networks(ranges, &open, &net->first);
		open.net[open.n] = (uint32_t)i;
		open.has_end[open.n] = find_end(is4, net->first, net->bits, &open.end[open.n]);
		open.n++;
		begin_range(ranges, net->first, (uint32_t)i);
	}
	close_networks(ranges, &open, NULL);
}

static void build_ranges(struct arena *arena, struct ranges *ranges, enum network_kind kind, struct item *items,
			 size_t n)
{
	size_t i, most;

	if (n == 0)
		return;
	n = sort_items(items, n);
	most = 2 * n + 1;
	ranges->nets = arena_alloc(arena, n * sizeof(*ranges->nets));
	ranges->net = arena_alloc(arena, most * sizeof(*ranges->net));
	if (kind == NETWORK_IP4)
		ranges->first4 = arena_alloc(arena, most * sizeof(*ranges->first4));
	else
		ranges->first6 = arena_alloc(arena, most * sizeof(*ranges->first6));
	for (i = 0; i < n; i++)
		ranges->nets[i] =
			(struct kept){.first = items[i].first, .value = items[i].value, .bits = items[i].bits};
	ranges->n_nets = n;
	cut_ranges(ranges); /* what it leaves unused of the arrays was never touched, and takes no memory */
}

/* Copies the entries of KIND to ITEMS, which has room; returns their number. */
static size_t pick_entries(const struct networks_entry *entries, size_t n, enum network_kind kind, struct item *items)
{
	const struct networks_entry *entry;
	size_t i, out = 0;

	for (i = 0; i < n; i++) {
		entry = &entries[i];
		if (entry->network.kind == kind)
			items[out++] = (struct item){.first = read_address(kind, entry->network.address),
						     .value = entry->value,
						     .order = (uint32_t)i,
						     .rank = entry->rank,
						     .bits = entry->network.bits};
	}
	return out;
}

static void add_local(struct arena *arena, struct networks_unix *local, const struct networks_entry *entries, size_t n)
{
	size_t i, count = 0;

	for (i = 0; i < n; i++)
		count += entries[i].network.kind == NETWORK_UNIX;
	networks_unix_reserve(arena, local, count);
	for (i = 0; i < n; i++)
		if (entries[i].network.kind == NETWORK_UNIX)
			networks_unix_add(local, &entries[i].network, entries[i].value, entries[i].rank, (uint32_t)i);
	networks_unix_sort(local);
}

struct networks *networks_new(struct arena *arena, const struct networks_entry *entries, size_t n)
{
	struct networks *set = arena_alloc(arena, sizeof(*set));
	struct item *items = arena_resize(NULL, n, sizeof(*items));

	build_ranges(arena, &set->ip4, NETWORK_IP4, items, pick_entries(entries, n, NETWORK_IP4, items));
	build_ranges(arena, &set->ip6, NETWORK_IP6, items, pick_entries(entries, n, NETWORK_IP6, items));
	add_local(arena, &set->local, entries, n);
	free(items);
	return set;
}

static int64_t get_value(const struct ranges *ranges, size_t range)
{
	uint32_t net = ranges->net[range];

	return net != NONE ? (int64_t)ranges->nets[net].value : -1;
}

/* Both find the last range that does not begin after the address, without branches that the processor could mispredict.
 */
static int64_t find_range4(const struct ranges *ranges, uint32_t address)
{
	size_t base = 0, n = ranges->n, half;

	if (n == 0)
		return -1;
	for (; n > 1; n -= half) {
		half = n / 2;
		base = ranges->first4[base + half] <= address ? base + half : base;
	}
	return get_value(ranges, base);
}

static int64_t find_range6(const struct ranges *ranges, struct number address)
{
	size_t base = 0, n = ranges->n, half;

	if (n == 0)
		return -1;
	for (; n > 1; n -= half) {
		half = n / 2;
		base = is_less(address, ranges->first6[base + half]) ? base : base + half;
	}
	return get_value(ranges, base);
}

int64_t networks_find(const struct networks *set, const struct sockaddr_any *peer, const struct unix_peer *cred)
{
	struct number number;
	const uint8_t *bytes;

	if (set == NULL || peer->len < sizeof(sa_family_t))
		return -1;
	switch (peer->sa.sa_family) {
	case AF_INET:
		return peer->len >= sizeof(peer->in) ? find_range4(&set->ip4, ntohl(peer->in.sin_addr.s_addr)) : -1;
	case AF_INET6:
		if (peer->len < sizeof(peer->in6))
			return -1;
		bytes = peer->in6.sin6_addr.s6_addr;
		number = read_address(NETWORK_IP6, bytes);
		if (IN6_IS_ADDR_V4MAPPED(&peer->in6.sin6_addr))
			return find_range4(&set->ip4, (uint32_t)number.lo);
		return find_range6(&set->ip6, number);
	case AF_UNIX:
		return networks_unix_find(&set->local, cred);
	default: /* not an enum: any number the kernel may give */
		return -1;
	}
}

static bool equal_ranges(const struct ranges *a, const struct ranges *b)
{
	size_t i;

	if (a->n_nets != b->n_nets)
		return false;
	for (i = 0; i < a->n_nets; i++) {
		if (!is_same(a->nets[i].first, b->nets[i].first) || a->nets[i].bits != b->nets[i].bits ||
		    a->nets[i].value != b->nets[i].value)
			return false;
	}
	return true;
}

bool networks_equal(const struct networks *a, const struct networks *b)
{
	static const struct networks empty;

	if (a == NULL)
		a = &empty;
	if (b == NULL)
		b = &empty;
	return equal_ranges(&a->ip4, &b->ip4) && equal_ranges(&a->ip6, &b->ip6) &&
	       networks_unix_equal(&a->local, &b->local);
}
