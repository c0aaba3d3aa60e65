/* SPDX-License-Identifier: MIT */
#include "control/explain.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json_text.h"
#include "base/load_average.h"
#include "base/parse.h"
#include "base/week.h"
#include "change/operation.h"
#include "config/config.h"
#include "config/diff.h"
#include "fleet/waiting.h"
#include "gate/decide.h"
#include "gate/gate.h"
#include "gate/penalty.h"
#include "net/listen_queue.h"
#include "net/networks.h"
#include "net/unix_peer.h"
#include "pool/pool_count.h"
#include "pool/pool_hours.h"

#define REFUSALS_LISTED 10

/* The facts about the client: the input and the output of the decision. */
struct known {
	const struct config_service *service;
	const struct sources *sources; /* NULL: nothing is remembered */
	const struct unix_peer *cred;  /* NULL: not a unix client */
	uint64_t key;
	const struct rate *source_rate; /* of connections, or of datagrams if the service has only datagrams */
	bool connections;		/* the service has listeners whose clients cannot be forged */
	bool datagrams;			/* it has listeners for IP datagrams, whose sender may be forged */
	int64_t datagram_wait_us;	/* of the rate of a source, for its datagrams */
	bool probe;
	int64_t changes_ms; /* until access.times open or close the service; 0: they do not, or there are none */
	struct gate_facts facts;
	struct gate_verdict verdict;
};

/* ---- the client ---- */

/* Splits "fe80::1%eth0", as the log prints it. *ZONE_OUT is 0 if there is no zone. */
static int split_zone(const char *text, char *host, size_t size, unsigned *zone_out, struct err *err)
{
	size_t len = strcspn(text, "%");

	*zone_out = 0;
	(void)snprintf(host, size, "%.*s", (int)len, text);
	if (text[len] == '\0')
		return 0;
	*zone_out = addr_zone(text + len + 1);
	return *zone_out != 0 ? 0 : err_set(err, "\"%.64s\": there is no such interface", text);
}

int explain_parse(const char *text, struct explain_client *out, struct err *err)
{
	struct network network;
	char host[256];
	unsigned zone;

	memset(out, 0, sizeof(*out));
	if (split_zone(text, host, sizeof(host), &zone, err) < 0 || network_parse(host, NULL, &network, err) < 0)
		return -1;
	if (zone != 0 && network.kind != NETWORK_IP6)
		return err_set(err, "\"%.64s\": only an IPv6 address has an interface", text);
	switch (network.kind) {
	case NETWORK_IP4:
		if (network.bits != 32)
			return err_set(err, "\"%.64s\" is a network: ask for one address of it", text);
		out->peer.len = sizeof(out->peer.in);
		out->peer.in.sin_family = AF_INET;
		memcpy(&out->peer.in.sin_addr, network.address, sizeof(out->peer.in.sin_addr));
		return 0;
	case NETWORK_IP6:
		if (network.bits != 128)
			return err_set(err, "\"%.64s\" is a network: ask for one address of it", text);
		out->peer.len = sizeof(out->peer.in6);
		out->peer.in6.sin6_family = AF_INET6;
		out->peer.in6.sin6_scope_id = zone;
		memcpy(&out->peer.in6.sin6_addr, network.address, sizeof(out->peer.in6.sin6_addr));
		return 0;
	case NETWORK_UNIX:
		if (!network.has_uid)
			return err_set(err, "\"%.64s\" is more than one client: ask for unix:uid=USER", text);
		out->peer.len = sizeof(sa_family_t);
		out->peer.sa.sa_family = AF_UNIX;
		out->cred.uid = network.uid;
		out->cred.gid = network.has_gid ? network.gid : (gid_t)-1;
		return 0;
	}
	return err_set(err, "\"%.64s\" is of no known kind", text);
}

void explain_groups(const json_t *list, struct explain_client *client)
{
	const json_t *group;
	size_t i;

	if (unix_peer_grow(&client->cred, json_array_size(list)) < 0)
		return;
	json_array_foreach (list, i, group) {
		json_int_t n = json_integer_value(group);

		if (json_is_integer(group) && n >= 0 && n < UINT32_MAX)
			client->cred.groups[client->cred.n_groups++] = (gid_t)n;
	}
}

/* ---- the facts ---- */

static void learn_listeners(const struct pool *pool, struct known *k)
{
	const struct config_access *access = &k->service->access;

	k->source_rate = &access->per_source_datagrams;
	for (size_t i = 0; i < pool->n_lanes; i++) {
		const struct listener *listener = &pool->listeners[i];

		if (listener->key.datagram && listener->addr.sa.sa_family != AF_UNIX)
			k->datagrams = true;
		else
			k->connections = true;
		if (!listener->key.datagram)
			k->source_rate = &access->per_source_rate;
	}
}

static void learn_rate(struct known *k, int64_t now_us)
{
	const struct rate *datagrams = &k->service->access.per_source_datagrams;

	if (k->source_rate->n > 0)
		k->facts.source_wait_us = sources_rate_wait(k->sources, k->key, k->source_rate, now_us);
	if (datagrams->n > 0)
		k->datagram_wait_us = sources_rate_wait(k->sources, sources_key_unproven(k->key), datagrams, now_us);
	if (!k->connections)
		k->facts.source_wait_us = k->datagram_wait_us;
}

static void learn_source(struct known *k)
{
	const struct config_access *access = &k->service->access;
	int64_t now_us = clock_us();
	struct sources_taken taken;

	if (k->sources == NULL)
		return;
	taken = sources_taken(k->sources, k->key);
	k->facts.same = taken.same;
	k->facts.all = taken.all;
	k->facts.penalty = sources_penalty(k->sources, k->key, k->facts.now_ms);
	learn_rate(k, now_us);
	if (access->rate.n > 0)
		k->facts.service_wait_us = sources_rate_wait(k->sources, 0, &access->rate, now_us);
}

/*
 * The rule as it stands in the file now. A pool that a reload has kept goes on with the rules that it read, which say
 * the same. But lines may have moved since, and only the configuration that was read last knows where a rule stands.
 */
static const struct access_rule *rule_in_force(const struct operations *ops, const struct known *k,
					       const struct explain_client *client)
{
	const struct config *config = fleet_config(ops->fleet);
	ssize_t service = config_find_service(config, k->service->name);
	const struct config_access *access;
	int64_t rule;

	if (k->verdict.rule == NULL || service < 0)
		return k->verdict.rule;
	access = &config->services[service].access;
	rule = networks_find(access->rules, &client->peer, k->cred);
	if (rule < 0 || (size_t)rule >= access->n_rules || access->rule[rule].allow != k->verdict.rule->allow)
		return k->verdict.rule;
	return &access->rule[rule];
}

/* Notes how many workers the service may have, the load, and whether its hours let clients in now. */
static void learn_state(const struct pool *pool, struct known *k)
{
	int64_t now = (int64_t)time(NULL);
	struct pool_hours hours = pool->hours;

	k->facts.now_ms = clock_ms();
	k->facts.workers_max = (size_t)pool->limits.max;
	k->facts.load = load_average_read();
	if (k->service->access.n_times == 0)
		return;
	pool_hours_look(&hours, &k->service->access, now);
	k->facts.closed = !hours.open;
	k->changes_ms = hours.until == WEEK_NEVER ? 0 : (hours.until - now) * 1000;
	k->facts.opens_ms = hours.open ? 0 : k->changes_ms;
}

static void learn_all(const struct operations *ops, const struct pool *pool, const struct explain_client *client,
		      struct known *k)
{
	const struct config_access *access = &pool->service->access;

	memset(k, 0, sizeof(*k));
	k->service = pool->service;
	k->sources = pool->sources;
	k->cred = client->peer.sa.sa_family == AF_UNIX ? &client->cred : NULL;
	k->probe = networks_find(access->probes, &client->peer, k->cred) >= 0;
	k->facts.rule = networks_find(access->rules, &client->peer, k->cred);
	k->facts.exempt = networks_find(access->exempt, &client->peer, k->cred) >= 0;
	k->facts.reserve_for = networks_find(access->reserve_for, &client->peer, k->cred) >= 0;
	learn_state(pool, k);
	if (k->sources != NULL)
		k->key = sources_key(k->sources, &client->peer, k->cred, (int)access->prefix4, (int)access->prefix6);
	learn_listeners(pool, k);
	learn_source(k);
	k->verdict = decide_admission(k->service, &k->facts);
	k->verdict.rule = rule_in_force(ops, k, client);
}

/* ---- as JSON ---- */

static json_t *seconds_json(int64_t ms)
{
	return json_real((double)ms / 1000);
}

/* null: clients may connect at all times. */
static json_t *times_json(const struct known *k)
{
	if (k->service->access.n_times == 0)
		return json_null();
	return json_pack("{s:b, s:o}", "open", !k->facts.closed, "change",
			 k->changes_ms > 0 ? seconds_json(k->changes_ms) : json_null());
}

/* null: the load does not matter. */
static json_t *load_json(const struct known *k)
{
	if (k->service->access.max_load == 0)
		return json_null();
	return json_pack("{s:o, s:o}", "now", k->facts.load >= 0 ? json_real((double)k->facts.load / 100) : json_null(),
			 "limit", json_real((double)k->service->access.max_load / 100));
}

static json_t *rule_json(const struct access_rule *rule)
{
	if (rule == NULL)
		return json_null();
	return json_pack("{s:b, s:o, s:o, s:o}", "allow", rule->allow, "text", json_text(rule->text), "file",
			 rule->origin.file != NULL ? json_text(rule->origin.file) : json_null(), "line",
			 rule->origin.file != NULL ? json_integer(rule->origin.line) : json_null());
}

/* The network, like "192.0.2.0/24", whose clients count as one source with the client. */
static json_t *source_json(const struct known *k, const struct explain_client *client)
{
	struct sockaddr_any addr = client->peer;
	char host[ADDR_TEXT_MAX], text[ADDR_TEXT_MAX + 8];
	uint8_t *bytes = (uint8_t *)&addr.in.sin_addr;
	size_t size = 4, bits = (size_t)k->service->access.prefix4;

	if (k->cred != NULL) {
		(void)snprintf(text, sizeof(text), "unix:uid=%u", (unsigned)k->cred->uid);
		return json_text(text);
	}
	if (addr.sa.sa_family == AF_INET6) {
		bytes = addr.in6.sin6_addr.s6_addr;
		size = 16;
		bits = (size_t)k->service->access.prefix6;
	}
	for (size_t i = 0; i < size; i++) {
		if (bits <= i * 8)
			bytes[i] = 0;
		else if (bits < i * 8 + 8)
			bytes[i] &= (uint8_t)(0xff00U >> (bits - i * 8));
	}
	(void)addr_format_host(&addr, host, sizeof(host));
	(void)snprintf(text, sizeof(text), bits < size * 8 ? "%s/%zu" : "%s", host, bits);
	return json_text(text);
}

/* null: the service does not count connections of a source. */
static json_t *count_json(const struct known *k, size_t n)
{
	return k->sources != NULL && gate_has_seats(k->service) ? json_integer((json_int_t)n) : json_null();
}

static json_t *rate_json(const struct rate *rate, int64_t wait_us)
{
	char text[48];

	if (rate->n == 0)
		return json_null();
	format_rate(rate, text, sizeof(text));
	return json_pack("{s:s, s:o}", "limit", text, "wait", seconds_json((wait_us + 999) / 1000));
}

static json_t *datagram_rate_json(const struct known *k)
{
	static const struct rate none = {.n = 0};

	return rate_json(k->connections && k->datagrams ? &k->service->access.per_source_datagrams : &none,
			 k->datagram_wait_us);
}

static json_t *penalty_json(const struct known *k)
{
	const struct sources_penalty *penalty = &k->facts.penalty;

	if (penalty->until_ms <= k->facts.now_ms)
		return json_null();
	return json_pack("{s:s, s:o}", "reason", penalty->fault == FAULT_CRASH ? "crashes" : "refusals", "remaining",
			 seconds_json(penalty->until_ms - k->facts.now_ms));
}

static json_t *fault_json(const struct known *k, enum source_fault fault)
{
	struct sources_penalty_rule rule = penalty_rule(k->service, fault);

	if (rule.most <= 0 || k->sources == NULL)
		return json_null();
	return json_pack("{s:I, s:I, s:o}", "count",
			 (json_int_t)sources_faults(k->sources, k->key, fault, rule.within_ms, k->facts.now_ms),
			 "limit", (json_int_t)rule.most, "within", seconds_json(rule.within_ms));
}

/* The PROXY header that the service expects of this client. */
static const char *proxy_word(const struct known *k, const struct explain_client *client)
{
	const struct config_proxy_protocol *proxy = &k->service->proxy_protocol;

	if (proxy->from == NULL)
		return "none";
	if (networks_find(proxy->without, &client->peer, k->cred) >= 0)
		return "optional";
	return networks_find(proxy->from, &client->peer, k->cred) >= 0 ? "required" : "refused";
}

static json_t *refusal_json(const struct known *k, const struct sources_refusal *refusal)
{
	int64_t age = k->facts.now_ms - refusal->at_ms;
	char text[ADDR_TEXT_MAX];
	struct sockaddr_any peer;

	packed_address_get(refusal->peer, &peer);
	return json_pack("{s:s, s:o, s:o}", "reason", refusal_name(refusal->reason), "age",
			 seconds_json(age > 0 ? age : 0), "peer", json_text(addr_format(&peer, text, sizeof(text))));
}

static json_t *refusals_json(const struct known *k)
{
	struct sources_refusal refusals[REFUSALS_LISTED];
	json_t *list = json_array();
	size_t n = 0;

	if (k->sources != NULL)
		n = sources_refusals(k->sources, k->key, refusals, REFUSALS_LISTED);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, refusal_json(k, &refusals[i]));
	return list;
}

/* The clients that wait in the kernel, as far as it tells. */
static json_int_t count_queued(const struct pool *pool)
{
	struct listen_queue queue;
	json_int_t n = 0;

	for (size_t i = 0; i < pool->n_lanes; i++)
		if (pool->listeners[i].fd >= 0 && listen_queue(pool->listeners[i].fd, &queue) == 0 && queue.queued > 0)
			n += (json_int_t)queue.queued;
	return n;
}

static json_t *service_json(const struct operations *ops, const struct pool *pool, const struct explain_client *client)
{
	const struct config_access *access = &pool->service->access;
	struct pool_counts n = pool_count(pool, -1);
	struct known k;
	json_t *out;

	learn_all(ops, pool, client, &k);
	out = json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:b, s:o}", "name", pool->service->name, "state",
			pool_state_text(pool), "admitted", k.verdict.reason == REFUSED_NOT, "reason",
			k.verdict.reason == REFUSED_NOT ? json_null() : json_string(refusal_name(k.verdict.reason)),
			"wait", seconds_json(k.verdict.wait_ms), "rule", rule_json(k.verdict.rule), "only_allowed",
			access->only_allowed, "source", source_json(&k, client));
	if (out == NULL)
		return NULL;
	(void)json_object_update_new(out,
				     json_pack("{s:b, s:b, s:b, s:{s:o, s:I, s:o}, s:{s:I, s:I, s:I, s:I}}", "exempt",
					       k.facts.exempt, "probe", k.probe, "reserve_for", k.facts.reserve_for,
					       "connections", "source", count_json(&k, k.facts.same), "limit",
					       (json_int_t)access->per_source, "all", count_json(&k, k.facts.all),
					       "workers", "idle", (json_int_t)n.idle, "busy", (json_int_t)n.busy, "max",
					       (json_int_t)pool->limits.max, "reserve", (json_int_t)access->reserve));
	(void)json_object_set_new(out, "queued", json_integer(count_queued(pool)));
	(void)json_object_set_new(out, "times", times_json(&k));
	(void)json_object_set_new(out, "load", load_json(&k));
	(void)json_object_update_new(out, json_pack("{s:{s:o, s:o, s:o}, s:o, s:{s:o, s:o}, s:s, s:o}", "rates",
						    "source", rate_json(k.source_rate, k.facts.source_wait_us),
						    "datagrams", datagram_rate_json(&k), "service",
						    rate_json(&access->rate, k.facts.service_wait_us), "penalty",
						    penalty_json(&k), "faults", "crashes", fault_json(&k, FAULT_CRASH),
						    "refusals", fault_json(&k, FAULT_REFUSAL), "proxy_protocol",
						    proxy_word(&k, client), "refusals", refusals_json(&k)));
	return out;
}

/* A service that waits has no workers, and decides nothing. */
static json_t *waiting_json(const struct member *member)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:o, s:{s:o}}", "name", member->name, "state", "waiting", "admitted", 0,
			 "reason", "waiting", "wait", seconds_json(0), "waiting", "reason",
			 json_text(member->waiting->why));
}

json_t *explain_json(const struct operations *ops, const char *name, const char *address,
		     const struct explain_client *client)
{
	const struct config *config = ops->fleet->generation->config;
	json_t *services = json_array();

	for (size_t i = 0; i < config->n_services; i++) {
		const struct member *member = member_find(ops->fleet->members, config->services[i].name);

		if (member == NULL || (name != NULL && strcmp(member->name, name) != 0))
			continue;
		if (member->now != NULL)
			(void)json_array_append_new(services, service_json(ops, member->now, client));
		else if (member->waiting != NULL)
			(void)json_array_append_new(services, waiting_json(member));
	}
	return json_pack("{s:o, s:o}", "address", json_text(address), "services", services);
}
