/* SPDX-License-Identifier: MIT */
#include "net/networks_unix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GROUPS_MOST 65536 /* NGROUPS_MAX of Linux */

struct unix_network {
	bool has_uid, has_gid;
	uid_t uid; /* 0 where there is none */
	gid_t gid;
	uint32_t value, order;
	int rank;
};

static int compare_who(const struct unix_network *a, const struct unix_network *b)
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

/* Whether A counts before B where both are as specific. */
static bool counts_before(const struct unix_network *a, const struct unix_network *b)
{
	return a->rank != b->rank ? a->rank > b->rank : a->order < b->order;
}

static int compare(const void *pa, const void *pb)
{
	const struct unix_network *a = pa, *b = pb;
	int order = compare_who(a, b);

	if (order != 0)
		return order;
	return counts_before(a, b) ? -1 : counts_before(b, a);
}

int unix_networks_lay(struct unix_networks *out, const struct networks_entry *entries, size_t n)
{
	size_t i, count = 0;

	for (i = 0; i < n; i++)
		count += entries[i].network.kind == NETWORK_UNIX;
	if (count == 0)
		return 0;
	out->list = calloc(count, sizeof(*out->list));
	if (out->list == NULL)
		return -1;
	for (i = 0, count = 0; i < n; i++) {
		const struct network *network = &entries[i].network;

		if (network->kind != NETWORK_UNIX)
			continue;
		out->list[count++] = (struct unix_network){
			.has_uid = network->has_uid,
			.has_gid = network->has_gid,
			.uid = network->has_uid ? network->uid : 0,
			.gid = network->has_gid ? network->gid : 0,
			.value = entries[i].value,
			.order = (uint32_t)i,
			.rank = entries[i].rank,
		};
	}
	qsort(out->list, count, sizeof(*out->list), compare);
	for (i = 0; i < count; i++) {
		if (out->n == 0 || compare_who(&out->list[out->n - 1], &out->list[i]) != 0)
			out->list[out->n++] = out->list[i];
	}
	return 0;
}

void unix_networks_clear(struct unix_networks *set)
{
	free(set->list);
	*set = (struct unix_networks){ .n = 0 };
}

/* *BEST becomes what the set has for exactly WHO, if that counts before it. */
static void look(const struct unix_networks *set, const struct unix_network *who, const struct unix_network **best)
{
	size_t low = 0, high = set->n, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = compare_who(&set->list[middle], who);
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

/* The same for each of the client's groups: none of them is more specific than another. */
static void look_groups(const struct unix_networks *set, const struct unix_peer *cred, struct unix_network who,
			const struct unix_network **best)
{
	const size_t room = sizeof(cred->groups) / sizeof(cred->groups[0]);
	size_t i;

	who.has_gid = true;
	who.gid = cred->gid;
	look(set, &who, best);
	for (i = 0; i < cred->n_groups && i < room; i++) {
		who.gid = cred->groups[i];
		look(set, &who, best);
	}
}

int64_t unix_networks_find(const struct unix_networks *set, const struct unix_peer *cred)
{
	const struct unix_network anybody = { .has_uid = false };
	const struct unix_network *best = NULL;

	if (set->n == 0)
		return -1;
	if (cred != NULL) {
		const struct unix_network user = { .has_uid = true, .uid = cred->uid };

		look_groups(set, cred, user, &best);
		if (best == NULL)
			look(set, &user, &best);
		if (best == NULL)
			look_groups(set, cred, anybody, &best);
	}
	if (best == NULL)
		look(set, &anybody, &best);
	return best != NULL ? (int64_t)best->value : -1;
}

bool unix_networks_equal(const struct unix_networks *a, const struct unix_networks *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		if (compare_who(&a->list[i], &b->list[i]) != 0 || a->list[i].value != b->list[i].value)
			return false;
	}
	return true;
}

/* The kernel gives all of a process's groups or none: a client with many of them needs memory for a moment. */
static int get_many_groups(int fd, struct unix_peer *out)
{
	const size_t room = sizeof(out->groups) / sizeof(out->groups[0]);
	socklen_t len = GROUPS_MOST * sizeof(gid_t);
	gid_t *all = malloc(len);
	int rc;

	if (all == NULL)
		return -1;
	rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, all, &len);
	if (rc == 0) {
		out->n_groups = len / sizeof(gid_t);
		if (out->n_groups > room)
			out->n_groups = room;
		memcpy(out->groups, all, out->n_groups * sizeof(gid_t));
	}
	free(all);
	return rc;
}

int unix_peer_get(int fd, struct unix_peer *out)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	*out = (struct unix_peer){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -1;
	if (len < sizeof(cred) || cred.uid == (uid_t)-1) { /* not a unix socket, or not connected */
		errno = ENODATA;
		return -1;
	}
	out->uid = cred.uid;
	out->gid = cred.gid;
	len = sizeof(out->groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, out->groups, &len) == 0) {
		out->n_groups = len / sizeof(gid_t);
		return 0;
	}
	return errno == ERANGE ? get_many_groups(fd, out) : -1;
}
