/* SPDX-License-Identifier: MIT */
#include "config/conflict_check.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "config/checker.h"
#include "config/source.h"
#include "config/value_source.h"
#include "config/values.h"
#include "syntax/arena.h"

#define ADDRESSES_MOST 64 /* that one name may stand for */

/* One address that will be bound, or one descriptor that will be asked for. */
struct lane {
	const struct service_values *values;
	size_t index;		     /* into listen */
	struct sockaddr_any address; /* none: that would have to be looked up */
};

struct lanes {
	struct lane *list;
	size_t n;
};

static const struct addr *written(const struct lane *lane)
{
	return &lane->values->service.listen[lane->index];
}

static void add_lane(struct lanes *lanes, const struct lane *lane)
{
	lanes->list = arena_resize(lanes->list, lanes->n + 1, sizeof(*lanes->list));
	lanes->list[lanes->n++] = *lane;
}

/* The place of one address of a list, with the key that the list has. */
static struct value_source place_of(const struct service_values *values, size_t index)
{
	struct value_source place = *value_source(values, "listen");

	place.origin = values->service.listen_origin[index];
	return place;
}

static void resolve(struct checker *checker, struct service_values *values, size_t index, struct lanes *lanes)
{
	struct sockaddr_any list[ADDRESSES_MOST];
	struct lane lane = {.values = values, .index = index};
	struct value_source place = place_of(values, index);
	const struct addr *addr = &values->service.listen[index];
	struct err err;
	int n, i;

	if (checker->source->portable && !addr_is_literal(addr)) {
		values->n_lanes++; /* at least */
		add_lane(lanes, &lane);
		return;
	}
	n = addr_resolve(addr, list, ADDRESSES_MOST, &err);
	if (n < 0) {
		checker_error(checker, values, &place, "%s", err.text);
		return;
	}
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

/* A wildcard of IPv6 that takes IPv4 clients as well. */
static bool takes_both(const struct lane *lane)
{
	return lane->address.sa.sa_family == AF_INET6 && addr_is_wildcard(&lane->address) &&
	       (written(lane)->kind == ADDR_ANY || !lane->values->service.socket.v6only);
}

static bool same_ip(const struct lane *a, const struct lane *b)
{
	if (takes_both(a) || takes_both(b))
		return true;
	if (a->address.len == 0 || b->address.len == 0)
		return a->address.len == b->address.len && strcasecmp(written(a)->host, written(b)->host) == 0;
	if (a->address.sa.sa_family != b->address.sa.sa_family)
		return false;
	return addr_is_wildcard(&a->address) || addr_is_wildcard(&b->address) || addr_equal(&a->address, &b->address);
}

/* Sockets that are bound to different interfaces do not meet. */
static bool same_device(const struct lane *a, const struct lane *b)
{
	const char *device_a = a->values->service.socket.device;
	const char *device_b = b->values->service.socket.device;

	return device_a == NULL || device_b == NULL || strcmp(device_a, device_b) == 0;
}

static bool meet(const struct lane *a, const struct lane *b)
{
	const struct addr *addr_a = written(a), *addr_b = written(b);

	if (addr_a->kind == ADDR_SYSTEMD || addr_b->kind == ADDR_SYSTEMD)
		return addr_a->kind == addr_b->kind && strcmp(addr_a->host, addr_b->host) == 0;
	if (addr_a->kind == ADDR_UNIX || addr_b->kind == ADDR_UNIX)
		return addr_equal(&a->address, &b->address);
	return addr_a->datagram == addr_b->datagram && addr_a->port != 0 && addr_a->port == addr_b->port &&
	       same_ip(a, b) && same_device(a, b);
}

static void report(struct checker *checker, const struct lane *first, const struct lane *second)
{
	struct value_source place = place_of(second->values, second->index);
	const struct origin *origin = &first->values->service.listen_origin[first->index];

	if (origin->file != NULL)
		checker_error(checker, second->values, &place,
			      "\"%s\" is taken already, by services.%s with \"%s\" in %s:%d", written(second)->text,
			      first->values->service.name, written(first)->text, origin->file, origin->line);
	else
		checker_error(checker, second->values, &place, "\"%s\" is taken already, by services.%s with \"%s\"",
			      written(second)->text, first->values->service.name, written(first)->text);
}

/* One entry of a `listen` meets another once, however many addresses their names stand for. */
static bool same_entry(const struct lane *a, const struct lane *b)
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
			resolve(checker, &store->services[i], k, &lanes);
	}
	for (i = 1; i < lanes.n; i++) {
		for (k = 0; k < i; k++) {
			if (same_entry(&lanes.list[k], &lanes.list[i]) || !meet(&lanes.list[k], &lanes.list[i]))
				continue;
			report(checker, &lanes.list[k], &lanes.list[i]);
			break;
		}
	}
	free(lanes.list);
}
