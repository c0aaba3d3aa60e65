/* SPDX-License-Identifier: MIT */
#include "net/networks_unix.h"

#include <stdlib.h>
#include <sys/types.h>

#include "base/arena.h"
#include "net/network.h"
#include "net/unix_peer.h"

struct unix_network {
	bool has_uid, has_gid;
	uid_t uid; /* 0 where there is none */
	gid_t gid;
	uint32_t value, order;
	int rank;
};

static int compare_users(const struct unix_network *a, const struct unix_network *b)
{
	if (a->has_uid != b->has_uid)
		return a->has_uid ? 1 : -1;
	if (a->has_gid != b->has_gid)
		return a->has_gid ? 1 : -1;
	if (a->uid != b->uid)
		return a->uid < b->uid ? -1 : 1;
	if (a->gid != b->gid)
		return a->gid < b->gid ? -1 : 1;
	return 0;
}

/* For two networks that are equally specific. */
static bool counts_before(const struct unix_network *a, const struct unix_network *b)
{
	return a->rank != b->rank ? a->rank > b->rank : a->order < b->order;
}

static int compare_networks(const void *pa, const void *pb)
{
	const struct unix_network *a = pa, *b = pb;
	int order = compare_users(a, b);

	if (order != 0)
		return order;
	return counts_before(a, b) ? -1 : counts_before(b, a);
}

void networks_unix_reserve(struct arena *arena, struct networks_unix *set, size_t n)
{
	set->list = arena_alloc(arena, n * sizeof(*set->list));
	set->room = n;
}

void networks_unix_add(struct networks_unix *set, const struct network *network, uint32_t value, int rank,
		       uint32_t order)
{
	if (set->n >= set->room)
		return;
	set->list[set->n++] = (struct unix_network){
		.has_uid = network->has_uid,
		.has_gid = network->has_gid,
		.uid = network->has_uid ? network->uid : 0,
		.gid = network->has_gid ? network->gid : 0,
		.value = value,
		.order = order,
		.rank = rank,
	};
}

void networks_unix_sort(struct networks_unix *set)
{
	size_t n = 0;

	if (set->n == 0)
		return;
	qsort(set->list, set->n, sizeof(*set->list), compare_networks);
	for (size_t i = 0; i < set->n; i++) {
		if (n == 0 || compare_users(&set->list[n - 1], &set->list[i]) != 0)
			set->list[n++] = set->list[i];
	}
	set->n = n;
}

/* Looks for exactly WHO; *BEST becomes the network that was found if it counts before *BEST. */
static void find_exact(const struct networks_unix *set, const struct unix_network *who,
		       const struct unix_network **best)
{
	size_t low = 0, high = set->n, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = compare_users(&set->list[middle], who);
		if (order == 0) {
			if (*best == NULL || counts_before(&set->list[middle], *best))
				*best = &set->list[middle];
			return;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
}

/* The same with each group of the client in turn; no group is more specific than another. */
static void find_groups(const struct networks_unix *set, const struct unix_peer *cred, struct unix_network who,
			const struct unix_network **best)
{
	size_t i;

	who.has_gid = true;
	who.gid = cred->gid;
	find_exact(set, &who, best);
	for (i = 0; i < cred->n_groups; i++) {
		who.gid = cred->groups[i];
		find_exact(set, &who, best);
	}
}

int64_t networks_unix_find(const struct networks_unix *set, const struct unix_peer *cred)
{
	const struct unix_network anybody = {.has_uid = false};
	const struct unix_network *best = NULL;

	if (set->n == 0)
		return -1;
	if (cred != NULL) {
		const struct unix_network user = {.has_uid = true, .uid = cred->uid};

		find_groups(set, cred, user, &best);
		if (best == NULL)
			find_exact(set, &user, &best);
		if (best == NULL)
			find_groups(set, cred, anybody, &best);
	}
	if (best == NULL)
		find_exact(set, &anybody, &best);
	return best != NULL ? (int64_t)best->value : -1;
}

bool networks_unix_equal(const struct networks_unix *a, const struct networks_unix *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		if (compare_users(&a->list[i], &b->list[i]) != 0 || a->list[i].value != b->list[i].value)
			return false;
	}
	return true;
}
