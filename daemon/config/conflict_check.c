/* SPDX-License-Identifier: MIT */
#include "config/conflict_check.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/checker.h"
#include "config/source.h"
#include "config/value_source.h"
#include "config/values.h"

#define ADDRESSES_MOST 64 /* of one name */

/* One address that a listener will be bound to, or one descriptor from systemd. */
struct lane {
	const struct service_values *values;
	size_t index;		     /* into listen */
	struct sockaddr_any address; /* len 0: a name that was not resolved, or a descriptor */
};

struct lanes {
	struct lane *list;
	size_t n;
};

static const struct addr *find_entry(const struct lane *lane)
{
	return &lane->values->service.listen[lane->index];
}

static void add_lane(struct lanes *lanes, const struct lane *lane)
{
	lanes->list = arena_resize(lanes->list, lanes->n + 1, sizeof(*lanes->list));
	lanes->list[lanes->n++] = *lane;
}

/* The place of entry INDEX of `listen`, for messages. */
static struct value_source find_place(const struct service_values *values, size_t index)
{
	struct value_source place = *value_source(values, "listen");

	place.origin = values->service.listen_origin[index];
	return place;
}

static void keep_resolved(struct arena *arena, const struct sockaddr_any *list, size_t n, struct addr_resolved *out)
{
	out->list = arena_alloc(arena, n * sizeof(*list));
	memcpy(out->list, list, n * sizeof(*list));
	out->n = n;
}

static void add_entry(struct checker *checker, struct service_values *values, size_t index, struct lanes *lanes)
{
	struct sockaddr_any list[ADDRESSES_MOST];
	struct lane lane = {.values = values, .index = index};
	struct value_source place = find_place(values, index);
	const struct addr *addr = &values->service.listen[index];
	struct err err;
	int n, i;

	if (addr->port == 0 && (addr->kind == ADDR_HOST || addr->kind == ADDR_HOST6 || addr->kind == ADDR_ANY))
		checker_warning(checker, values, &place,
				"\"%s\": the port is 0, so the kernel chooses another one at each start", addr->text);
	if (!values->service.enabled) { /* it takes no address from the others */
		values->n_lanes++;
		return;
	}
	if (checker->source->portable && !addr_is_literal(addr)) {
		values->n_lanes++; /* the name may stand for more */
		add_lane(lanes, &lane);
		return;
	}
	n = addr_resolve(addr, list, ADDRESSES_MOST, &err);
	if (n < 0) {
		values->n_lanes++;
		checker_waits(checker, values, &place, &err);
		return;
	}
	if (!addr_is_literal(addr) && n > 0)
		keep_resolved(checker->store->arena, list, (size_t)n, &values->service.resolved[index]);
	if (addr->kind == ADDR_SYSTEMD) {
		values->n_lanes++;
		add_lane(lanes, &lane);
	}
	for (i = 0; i < n; i++) {
		addr_fold(&list[i]);
		lane.address = list[i];
		values->n_lanes++;
		add_lane(lanes, &lane);
	}
}

/* True for an IPv6 wildcard that accepts IPv4 clients too. */
static bool takes_both(const struct lane *lane)
{
	return lane->address.sa.sa_family == AF_INET6 && addr_is_wildcard(&lane->address) &&
	       (find_entry(lane)->kind == ADDR_ANY || !lane->values->service.socket.v6only);
}

static bool has_same_ip(const struct lane *a, const struct lane *b)
{
	if (takes_both(a) || takes_both(b))
		return true;
	if (a->address.len == 0 || b->address.len == 0)
		return a->address.len == b->address.len && strcasecmp(find_entry(a)->host, find_entry(b)->host) == 0;
	if (a->address.sa.sa_family != b->address.sa.sa_family)
		return false;
	return addr_is_wildcard(&a->address) || addr_is_wildcard(&b->address) || addr_equal(&a->address, &b->address);
}

/* False: the sockets are bound to different interfaces, so they do not conflict. */
static bool has_same_device(const struct lane *a, const struct lane *b)
{
	const char *device_a = a->values->service.socket.device;
	const char *device_b = b->values->service.socket.device;

	return device_a == NULL || device_b == NULL || strcmp(device_a, device_b) == 0;
}

static bool is_conflict(const struct lane *a, const struct lane *b)
{
	const struct addr *addr_a = find_entry(a), *addr_b = find_entry(b);

	if (addr_a->kind == ADDR_SYSTEMD || addr_b->kind == ADDR_SYSTEMD)
		return addr_a->kind == addr_b->kind && strcmp(addr_a->host, addr_b->host) == 0;
	if (addr_a->kind == ADDR_UNIX || addr_b->kind == ADDR_UNIX)
		return addr_equal(&a->address, &b->address);
	return addr_a->datagram == addr_b->datagram && addr_a->port != 0 && addr_a->port == addr_b->port &&
	       has_same_ip(a, b) && has_same_device(a, b);
}

static void report_conflict(struct checker *checker, const struct lane *first, const struct lane *second)
{
	struct value_source place = find_place(second->values, second->index);
	const struct origin *origin = &first->values->service.listen_origin[first->index];

	if (origin->file != NULL)
		checker_error(checker, second->values, &place,
			      "\"%s\" is taken already, by services.%s with \"%s\" in %s:%d", find_entry(second)->text,
			      first->values->service.name, find_entry(first)->text, origin->file, origin->line);
	else
		checker_error(checker, second->values, &place, "\"%s\" is taken already, by services.%s with \"%s\"",
			      find_entry(second)->text, first->values->service.name, find_entry(first)->text);
}

/* True for two addresses of one entry of `listen`. */
static bool is_same_entry(const struct lane *a, const struct lane *b)
{
	return a->values == b->values && a->index == b->index;
}

void conflict_check(struct checker *checker)
{
	struct config_store *store = checker->store;
	struct lanes lanes = {.list = NULL};
	size_t i, k;

	for (i = 0; i < store->n_services; i++) {
		for (k = 0; k < store->services[i].service.n_listen; k++)
			add_entry(checker, &store->services[i], k, &lanes);
	}
	for (i = 1; i < lanes.n; i++) {
		for (k = 0; k < i; k++) {
			if (is_same_entry(&lanes.list[k], &lanes.list[i]) ||
			    !is_conflict(&lanes.list[k], &lanes.list[i]))
				continue;
			report_conflict(checker, &lanes.list[k], &lanes.list[i]);
			break;
		}
	}
	free(lanes.list);
}
