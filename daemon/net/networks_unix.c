/* SPDX-License-Identifier: MIT */
#include "net/networks_unix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
	*set = (struct unix_networks){.n = 0};
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
	size_t i;

	who.has_gid = true;
	who.gid = cred->gid;
	look(set, &who, best);
	for (i = 0; i < cred->n_groups; i++) {
		who.gid = cred->groups[i];
		look(set, &who, best);
	}
}

int64_t unix_networks_find(const struct unix_networks *set, const struct unix_peer *cred)
{
	const struct unix_network anybody = {.has_uid = false};
	const struct unix_network *best = NULL;

	if (set->n == 0)
		return -1;
	if (cred != NULL) {
		const struct unix_network user = {.has_uid = true, .uid = cred->uid};

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

int unix_peer_grow(struct unix_peer *peer, size_t n)
{
	gid_t *groups;

	if (n <= peer->room)
		return 0;
	groups = reallocarray(peer->groups, n, sizeof(*groups));
	if (groups == NULL)
		return -1;
	peer->groups = groups;
	peer->room = n;
	return 0;
}

void unix_peer_clear(struct unix_peer *peer)
{
	free(peer->groups);
	*peer = (struct unix_peer){.uid = (uid_t)-1, .gid = (gid_t)-1};
}

/* The kernel gives all of them or none, and then says how much room they need. */
static int get_groups(int fd, struct unix_peer *peer)
{
	socklen_t len = (socklen_t)(peer->room * sizeof(gid_t));
	int rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &len);

	if (rc < 0 && errno == ERANGE) {
		if (unix_peer_grow(peer, len / sizeof(gid_t)) < 0)
			return -1;
		rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &len);
	}
	if (rc == 0)
		peer->n_groups = len / sizeof(gid_t);
	return rc;
}

int unix_peer_get(int fd, struct unix_peer *peer)
{
	struct ucred cred = {.uid = (uid_t)-1};
	socklen_t len = sizeof(cred);

	peer->uid = (uid_t)-1;
	peer->gid = (gid_t)-1;
	peer->n_groups = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -1;
	if (len < sizeof(cred) || cred.uid == (uid_t)-1) { /* not a unix socket, or not connected */
		errno = ENODATA;
		return -1;
	}
	peer->uid = cred.uid;
	peer->gid = cred.gid;
	return get_groups(fd, peer);
}
