/* SPDX-License-Identifier: MIT */
#include "config/lookup_upstreams.h"

#include <preforkd/module.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/checker.h"
#include "config/source.h"
#include "config/value_source.h"
#include "config/values.h"

/* The defaults in the table; a user who writes them asks for nothing. */
#define CONNECT_TIMEOUT_PRESET 5000
#define PAUSE_PRESET	       10000
#define RESOLVE_PRESET	       30000
#define HALF_CLOSED_PRESET     5000

/* Reports the keys of a service that passes nothing on; keys in defaults are meant for other services. */
static void refuse_keys(struct checker *checker, struct service_values *values)
{
	const struct config_upstreams *upstreams = &values->service.upstreams;
	const struct {
		const char *path;
		bool asked;
	} keys[] = {
		{"upstream", values->upstream.n > 0},
		{"balance", upstreams->balance != BALANCE_ROUND_ROBIN},
		{"send_proxy", upstreams->send_proxy != 0},
		{"proxy.connect_timeout", upstreams->connect_timeout != CONNECT_TIMEOUT_PRESET},
		{"proxy.pause", upstreams->pause != PAUSE_PRESET},
		{"proxy.resolve", upstreams->resolve != RESOLVE_PRESET},
		{"proxy.bind", values->proxy_bind != NULL},
		{"timeouts.half_closed", values->service.timeouts.half_closed != HALF_CLOSED_PRESET},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct value_source *source = value_source(values, keys[i].path);

		if (keys[i].asked && source->level == LEVEL_SERVICE && !source->bad)
			checker_error(checker, values, source,
				      "the handler \"%s\" passes no connections on: it takes no %s",
				      values->service.handler->name, keys[i].path);
	}
	values->upstream = (struct text_list){.n = 0};
	values->proxy_bind = NULL;
}

static bool is_loopback(const struct sockaddr_any *addr)
{
	if (addr->sa.sa_family == AF_INET)
		return ntohl(addr->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return addr->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&addr->in6.sin6_addr);
}

/* True: a connection to ADDR certainly arrives at LISTEN. */
static bool reaches(const struct addr *addr, const struct addr *listen)
{
	struct sockaddr_any from, to;

	if (listen->datagram || listen->kind == ADDR_SYSTEMD || !addr_is_literal(addr) || !addr_is_literal(listen) ||
	    addr_resolve(addr, &from, 1, NULL) < 1 || addr_resolve(listen, &to, 1, NULL) < 1)
		return false;
	addr_fold(&from);
	addr_fold(&to);
	if (addr_equal(&from, &to))
		return true;
	return addr_port(&from) == addr_port(&to) && is_loopback(&from) && addr_is_wildcard(&to) &&
	       (listen->kind == ADDR_ANY || from.sa.sa_family == to.sa.sa_family);
}

/* True: ADDR is an address of the service itself. One client would take all workers: each would connect to the next. */
static bool is_itself(const struct config_service *service, const struct addr *addr)
{
	for (size_t i = 0; i < service->n_listen; i++)
		if (reaches(addr, &service->listen[i]))
			return true;
	return false;
}

/* Why connections cannot be passed on to ADDR; NULL: they can. */
static const char *explain_refusal(const struct config_service *service, const struct addr *addr)
{
	if (addr->datagram)
		return "datagrams are not passed on";
	if (addr->kind == ADDR_SYSTEMD)
		return "there is nothing to connect to";
	if (addr->kind == ADDR_ANY)
		return "it has no host to connect to";
	if (addr->kind != ADDR_UNIX && addr->port == 0)
		return "there is no port 0";
	if (is_itself(service, addr))
		return "that is where this service listens";
	return NULL;
}

static void lookup_list(struct checker *checker, struct service_values *values)
{
	const struct value_source *source = value_source(values, "upstream");
	struct config_upstreams *upstreams = &values->service.upstreams;
	struct value_source place = *source;

	if (values->upstream.n > CONFIG_UPSTREAMS_MOST) {
		checker_error(checker, values, source, "there are %zu of them, more than %d", values->upstream.n,
			      CONFIG_UPSTREAMS_MOST);
		return;
	}
	upstreams->list = arena_alloc(checker->store->arena, values->upstream.n * sizeof(*upstreams->list));
	for (size_t i = 0; i < values->upstream.n; i++) {
		struct addr *addr = &upstreams->list[upstreams->n];
		struct err err;

		place.origin = values->upstream.origins[i];
		if (addr_parse(values->upstream.items[i], addr, &err) < 0) {
			checker_error(checker, values, &place, "%s", err.text);
		} else if (explain_refusal(&values->service, addr) != NULL) {
			checker_error(checker, values, &place, "\"%s\": %s", addr->text,
				      explain_refusal(&values->service, addr));
		} else {
			values->upstream.origins[upstreams->n++] = place.origin;
		}
	}
}

/* Parses an IP address without a port; IPv6 with or without brackets. */
static int parse_source(const char *text, struct sockaddr_any *out, struct err *err)
{
	bool bare = strchr(text, ':') != NULL && text[0] != '[';
	struct addr addr;
	char full[300];

	if ((size_t)snprintf(full, sizeof(full), bare ? "[%s]:0" : "%s:0", text) >= sizeof(full) ||
	    addr_parse(full, &addr, NULL) < 0 || (addr.kind != ADDR_HOST && addr.kind != ADDR_HOST6) ||
	    (addr.kind == ADDR_HOST && !addr_is_literal(&addr)))
		return err_set(err, "\"%.256s\" is no address; write 192.0.2.1 or 2001:db8::1, without a port", text);
	return addr_resolve(&addr, out, 1, err);
}

static void lookup_bind(struct checker *checker, struct service_values *values)
{
	const struct value_source *source = value_source(values, "proxy.bind");
	struct config_upstreams *upstreams = &values->service.upstreams;
	struct sockaddr_any address;
	struct err err;

	if (values->proxy_bind == NULL)
		return;
	if (checker->source->portable && strchr(values->proxy_bind, '%') != NULL)
		return; /* the interface may exist on the other host */
	if (parse_source(values->proxy_bind, &upstreams->bind, &err) < 0) {
		checker_error(checker, values, source, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < upstreams->n; i++) {
		const struct addr *addr = &upstreams->list[i];

		if (addr->kind == ADDR_UNIX || !addr_is_literal(addr) || addr_resolve(addr, &address, 1, NULL) < 1)
			continue;
		if (address.sa.sa_family != upstreams->bind.sa.sa_family)
			checker_error(checker, values, source, "no connection to %s can come from %s", addr->text,
				      values->proxy_bind);
	}
}

void lookup_upstreams(struct checker *checker, struct service_values *values)
{
	const struct preforkd_module *handler = values->service.handler;
	const struct value_source *source = value_source(values, "upstream");

	if (handler == NULL)
		return;
	if ((handler->flags & PREFORKD_UPSTREAM) == 0) {
		refuse_keys(checker, values);
		return;
	}
	if (values->upstream.n == 0 && !source->bad) {
		checker_error(checker, values, source,
			      "missing: the handler \"%s\" needs an address to pass "
			      "connections on to",
			      handler->name);
		return;
	}
	lookup_list(checker, values);
	lookup_bind(checker, values);
}
