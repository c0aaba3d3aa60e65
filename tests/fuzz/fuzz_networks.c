/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a file of networks; what is taken from it becomes a set, and each look-up in it, at all edges of its
 * networks, must find what looking at one entry after the other finds. A network must survive being written and read.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/checker.h"
#include "config/load.h"
#include "config/network_list.h"
#include "config/value_source.h"
#include "config/values.h"
#include "net/addr.h"
#include "net/unix_peer.h"
#include "syntax/problems.h"

#define ENTRIES_MOST 200 /* each is looked for in all others */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good)
{
	if (!good)
		abort();
}

/* Names are a number here: nobody is asked. */
static int id_of(const char *name, uid_t *out, struct err *err)
{
	if (strlen(name) > 32)
		return err_set(err, "there is no \"%.40s\"", name);
	*out = (uid_t)strlen(name);
	return 0;
}

static const struct network_names names = {id_of, id_of};

static void write_and_read(const struct network *network)
{
	char text[128], address[INET6_ADDRSTRLEN];
	struct network again;
	int len;

	if (network->kind != NETWORK_UNIX) {
		(void)inet_ntop(network->kind == NETWORK_IP4 ? AF_INET : AF_INET6, network->address, address,
				sizeof(address));
		(void)snprintf(text, sizeof(text), "%s/%u", address, network->bits);
	} else {
		len = snprintf(text, sizeof(text), "unix:");
		if (network->has_uid)
			len += snprintf(text + len, sizeof(text) - (size_t)len, "uid=%u", network->uid);
		if (network->has_gid)
			(void)snprintf(text + len, sizeof(text) - (size_t)len, "%sgid=%u", network->has_uid ? "/" : "",
				       network->gid);
	}
	expect(network_parse(text, NULL, &again, NULL) == 0);
	expect(again.kind == network->kind && again.bits == network->bits && again.has_uid == network->has_uid &&
	       again.has_gid == network->has_gid && again.uid == network->uid && again.gid == network->gid &&
	       memcmp(again.address, network->address, sizeof(again.address)) == 0);
}

static bool covers(const struct network *network, enum network_kind kind, const uint8_t *address)
{
	unsigned i;

	if (network->kind != kind)
		return false;
	for (i = 0; i < network->bits; i++) {
		if (((network->address[i / 8] ^ address[i / 8]) & (0x80 >> (i % 8))) != 0)
			return false;
	}
	return true;
}

static bool is_in(const struct network *network, const struct unix_peer *cred)
{
	bool in_group = cred != NULL && network->gid == cred->gid;
	size_t i;

	if (network->kind != NETWORK_UNIX)
		return false;
	for (i = 0; cred != NULL && i < cred->n_groups; i++)
		in_group = in_group || network->gid == cred->groups[i];
	return (!network->has_uid || (cred != NULL && network->uid == cred->uid)) && (!network->has_gid || in_group);
}

static int weight(const struct network *network)
{
	return network->kind != NETWORK_UNIX ? network->bits : network->has_uid * 2 + network->has_gid;
}

/* Of two entries that a client is in. */
static const struct networks_entry *better(const struct networks_entry *a, const struct networks_entry *b)
{
	if (a == NULL)
		return b;
	if (weight(&a->network) != weight(&b->network))
		return weight(&a->network) > weight(&b->network) ? a : b;
	return b->rank > a->rank ? b : a;
}

static void look(const struct networks *set, const struct network_list *list, enum network_kind kind,
		 const uint8_t *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct networks_entry *best = NULL;
	struct sockaddr_any peer;
	size_t i;

	memset(&peer, 0, sizeof(peer));
	if (kind == NETWORK_IP4) {
		peer.in.sin_family = AF_INET;
		memcpy(&peer.in.sin_addr, address, 4);
		peer.len = sizeof(peer.in);
	} else {
		peer.in6.sin6_family = AF_INET6;
		memcpy(&peer.in6.sin6_addr, address, 16);
		peer.len = sizeof(peer.in6);
		if (memcmp(address, mapped, sizeof(mapped)) == 0) {
			kind = NETWORK_IP4;
			address += sizeof(mapped);
		}
	}
	for (i = 0; i < list->n; i++) {
		if (covers(&list->entries[i].network, kind, address))
			best = better(best, &list->entries[i]);
	}
	expect(networks_find(set, &peer, NULL) == (best != NULL ? (int64_t)best->value : -1));
}

static void look_as(const struct networks *set, const struct network_list *list, const struct unix_peer *cred)
{
	const struct networks_entry *best = NULL;
	struct sockaddr_any peer = {.len = sizeof(sa_family_t)};
	size_t i;

	peer.sa.sa_family = AF_UNIX;
	for (i = 0; i < list->n; i++) {
		if (is_in(&list->entries[i].network, cred))
			best = better(best, &list->entries[i]);
	}
	expect(networks_find(set, &peer, cred) == (best != NULL ? (int64_t)best->value : -1));
}

/* The address before or behind it. */
static void step(uint8_t *address, size_t size, int way)
{
	while (size-- > 0) {
		address[size] = (uint8_t)(address[size] + way);
		if (address[size] != (way > 0 ? 0 : 0xff))
			break;
	}
}

/* The first and the last of a network, and those beside it. */
static void look_at_edges(const struct networks *set, const struct network_list *list, const struct network *network)
{
	size_t size = network->kind == NETWORK_IP4 ? 4 : 16;
	uint8_t address[16];
	unsigned bit;

	memcpy(address, network->address, sizeof(address));
	look(set, list, network->kind, address);
	step(address, size, -1);
	look(set, list, network->kind, address);
	memcpy(address, network->address, sizeof(address));
	for (bit = network->bits; bit < size * 8; bit++)
		address[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	look(set, list, network->kind, address);
	step(address, size, 1);
	look(set, list, network->kind, address);
}

static void look_around(const struct networks *set, const struct network_list *list)
{
	struct unix_peer cred = {.uid = 0};
	size_t i;

	look_as(set, list, NULL);
	for (i = 0; i < list->n; i++) {
		const struct network *network = &list->entries[i].network;

		if (network->kind != NETWORK_UNIX) {
			look_at_edges(set, list, network);
			continue;
		}
		/* with the groups of those before it, so that several fit */
		if (network->has_uid)
			cred.uid = network->uid;
		cred.gid = network->gid;
		look_as(set, list, &cred);
		if (i % 2 == 0 && unix_peer_grow(&cred, cred.n_groups + 1) == 0)
			cred.groups[cred.n_groups++] = network->gid;
		look_as(set, list, &cred);
	}
	unix_peer_clear(&cred);
}

static void check(struct arena *arena, struct network_list *list, const uint8_t *data, size_t size)
{
	struct networks *set, *again;
	size_t i;

	if (list->n > ENTRIES_MOST)
		list->n = ENTRIES_MOST;
	for (i = 0; i < list->n; i++) {
		list->entries[i].value = (uint32_t)i;
		list->entries[i].rank = list->rules[i].origin.line % 3;
		write_and_read(&list->entries[i].network);
	}
	set = networks_new(arena, list->entries, list->n);
	again = networks_new(arena, list->entries, list->n);
	expect(networks_equal(set, again));
	look_around(set, list);
	if (size >= 16) {
		look(set, list, NETWORK_IP6, data);
		look(set, list, NETWORK_IP4, data);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_source nothing = {.file = ""};
	struct value_source source = {.key = "list"};
	struct problems *problems = problems_new();
	struct checker checker = {.source = &nothing, .problems = problems};
	struct network_list list = {.n = 0};
	struct arena *arena = arena_new();
	char file[64];
	bool good;
	int fd = memfd_create("list", MFD_CLOEXEC);

	expect(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	good = network_list_read(&checker, &source, file, true, &names, arena, &list);
	expect(good == (problems_count(problems) == 0));
	expect(problems_count(problems) <= NETWORK_LIST_REPORT_MOST + 1);
	check(arena, &list, data, size);
	network_list_clear(&list);
	problems_free(&problems);
	arena_free(&arena);
	(void)close(fd);
	return 0;
}
