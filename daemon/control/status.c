/* SPDX-License-Identifier: MIT */
#include "control/status.h"

#include <preforkd/module.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "board/deaths.h"
#include "change/operation.h"
#include "config/config.h"
#include "control/status_deaths.h"
#include "control/status_upstreams.h"
#include "fleet/leftover.h"
#include "fleet/waiting.h"
#include "net/listen_queue.h"
#include "pool/group_limits.h"
#include "pool/groups.h"
#include "pool/pool_count.h"
#include "pool/program.h"
#include "pool/rolling.h"

const char *status_state(const struct operations *ops)
{
	const struct operation *changer = operation_find_changer(ops);

	if (ops->fleet->is_stopping)
		return "stopping";
	if (changer != NULL)
		return changer->kind->doing;
	if (operation_find(ops, ORDER_START) != NULL)
		return "starting";
	return ops->fleet->drained ? "draining" : "serving";
}

/* null for a negative number: the kernel does not tell it. */
static json_t *number_json(int64_t number)
{
	return number >= 0 ? json_integer(number) : json_null();
}

static json_t *seconds_json(int64_t ms)
{
	return json_real((double)ms / 1000);
}

/* FORMER is of the same service as POOL. */
static bool is_former(const struct pool *former, const struct pool *pool)
{
	return former->totals == pool->totals;
}

void status_counts(const struct operations *ops, const struct pool *pool, struct counts *out)
{
	const struct pool *former;

	*out = pool->totals->gone;
	pool_count_living(pool, out);
	DL_FOREACH (ops->fleet->retiring, former)
		if (is_former(former, pool))
			pool_count_living(former, out);
}

static const char *trouble_name(enum listen_trouble trouble)
{
	switch (trouble) {
	case LISTEN_WELL:
		break;
	case LISTEN_SHUT:
		return "shut down";
	case LISTEN_CONNECTED:
		return "connected";
	case LISTEN_NO_DEVICE:
		return "no interface";
	case LISTEN_NO_PATH:
		return "no path";
	}
	return NULL;
}

/* As the configuration writes it: that tells a socket for datagrams from one for connections at the same address. */
static json_t *address_json(const struct listener *listener)
{
	bool is_unix = listener->addr.sa.sa_family == AF_UNIX;
	char text[ADDR_TEXT_MAX + 16];

	if (!listener->key.datagram || strncmp(listener->text, "udp:", 4) == 0)
		return json_text(listener->text);
	(void)snprintf(text, sizeof(text), "%s%s", is_unix ? "unixgram:" : "udp:",
		       listener->text + (is_unix && strncmp(listener->text, "unix:", 5) == 0 ? 5 : 0));
	return json_text(text);
}

static json_t *listener_json(const struct pool *pool, size_t lane)
{
	const struct listener *listener = &pool->listeners[lane];
	const char *trouble = trouble_name(listener->trouble);
	struct listen_queue queue = {.queued = -1, .limit = -1, .drops = -1};

	if (listener->fd >= 0 && listener->listening && !listener->refusing)
		(void)listen_queue(listener->fd, &queue);
	if (trouble == NULL && pool->lane_memory[lane].untaken)
		trouble = "nobody accepts";
	return json_pack("{s:o, s:o, s:I, s:I, s:o, s:s?, s:I}", "address", address_json(listener), "queue",
			 number_json(queue.queued), "backlog",
			 (json_int_t)(listener->key.datagram ? 0 : listener->backlog), "backlog_asked",
			 (json_int_t)(listener->key.datagram ? 0 : pool->service->backlog), "drops",
			 number_json(queue.drops), "trouble", trouble, "mended", (json_int_t)listener->mended);
}

int64_t status_refused(const struct operations *ops)
{
	struct listen_queue queue;
	struct counts counts;
	int64_t refused = 0;

	for (size_t i = 0; i < ops->fleet->n_pools; i++) {
		status_counts(ops, ops->fleet->pools[i], &counts);
		refused += (int64_t)totals_refused(&counts);
		for (size_t k = 0; k < ops->fleet->pools[i]->n_lanes; k++) {
			const struct listener *listener = &ops->fleet->pools[i]->listeners[k];

			/* the kernel counts no drops of a unix socket */
			if (listener->fd >= 0 && listener->addr.sa.sa_family != AF_UNIX &&
			    listen_queue(listener->fd, &queue) == 0 && queue.drops > 0)
				refused += queue.drops;
		}
	}
	return refused;
}

static json_t *listeners_json(const struct pool *pool)
{
	json_t *list = json_array();

	for (size_t i = 0; i < pool->n_lanes; i++)
		(void)json_array_append_new(list, listener_json(pool, i));
	return list;
}

static json_t *rolling_json(const struct operations *ops, const struct pool *pool)
{
	const struct member *member = member_find(ops->fleet->members, pool->service->name);
	int64_t old, of, fresh;

	if (member == NULL || member->rolling == NULL)
		return json_null();
	rolling_count(member->rolling, &old, &of, &fresh);
	return json_pack("{s:I, s:I, s:I}", "new", (json_int_t)fresh, "old", (json_int_t)old, "of",
			 (json_int_t)(member->rolling->n * (int64_t)member->rolling->fresh->n_lanes));
}

static const char *state_of_pool(const struct operations *ops, const struct pool *pool, int64_t now)
{
	if (leftover_is_beside(ops->fleet, pool))
		return "mixed";

	if (pool->state == POOL_SERVING && !pool->paused && pool_throttled(pool, now) != 0)
		return "throttled";
	if (pool->state == POOL_SERVING && !pool->paused && !pool->proved)
		return "starting";
	return pool_state_text(pool);
}

/* The pool whose programs are replacing those of POOL, before it is in force; NULL: there is none. */
static const struct pool *find_fresh(const struct operations *ops, const struct pool *pool)
{
	const struct member *member = member_find(ops->fleet->members, pool->service->name);

	return member != NULL && member->rolling != NULL && member->rolling->fresh != pool ? member->rolling->fresh
											   : NULL;
}

static json_t *workers_json(const struct operations *ops, const struct pool *pool, int64_t *busy_out)
{
	const struct pool *fresh = find_fresh(ops, pool);
	struct pool_counts n = pool_count(pool, -1), more = {0};
	int64_t retiring;
	const struct pool *former;
	struct proc *proc;

	if (fresh != NULL)
		more = pool_count(fresh, -1);
	n.idle += more.idle;
	n.starting += more.starting;
	retiring = n.leaving + more.leaving;
	*busy_out = n.busy;
	DL_FOREACH (pool->procs, proc) /* workers that leave may still serve a client */
		*busy_out += proc->leaving && proc_state(proc) == SLOT_BUSY;
	DL_FOREACH (ops->fleet->retiring, former) {
		if (!is_former(former, pool))
			continue;
		retiring += (int64_t)former->n_procs;
		DL_FOREACH (former->procs, proc)
			*busy_out += proc_state(proc) == SLOT_BUSY;
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "idle", (json_int_t)n.idle, "busy", (json_int_t)n.busy,
			 "starting", (json_int_t)n.starting, "retiring", (json_int_t)retiring, "min",
			 (json_int_t)pool->limits.min, "max", (json_int_t)pool->limits.max);
}

static json_t *own_json(const struct operations *ops, const struct pool *pool)
{
	json_t *list = json_object();
	const struct pool *former;

	for (size_t i = 0; i < BOARD_COUNTERS && pool->own.name[i][0] != '\0'; i++) {
		const char *name = pool->own.name[i];
		uint64_t n = totals_own(pool->totals, name) + pool_count_own(pool, name);

		DL_FOREACH (ops->fleet->retiring, former)
			if (is_former(former, pool))
				n += pool_count_own(former, name);
		(void)json_object_set_new(list, name, json_integer((json_int_t)n));
	}
	return list;
}

/* The name in the configuration. A module has a name of its own beside it, see "module". */
static const char *handler_of(const struct config_service *service)
{
	return service->module != NULL ? "module" : service->handler->name;
}

static json_t *refused_json(const struct counts *c)
{
	json_t *refused = json_object();

	for (enum refusal r = REFUSED_NOT + 1; r < REFUSALS; r++)
		(void)json_object_set_new(refused, refusal_name(r), json_integer((json_int_t)c->refused[r]));
	return refused;
}

static json_t *sources_json(const struct sources *sources, int64_t now)
{
	return json_pack("{s:I, s:I}", "untracked", (json_int_t)sources_untracked(sources), "penalized",
			 (json_int_t)sources_penalized(sources, now));
}

/* null: the service does not wait. A pool whose workers cannot start has its own pauses between two tries. */
static json_t *waiting_json(const struct member *member, int64_t now)
{
	const char *why = member != NULL ? member_waits_for(member) : NULL;
	int64_t since = now, next;

	if (why == NULL)
		return json_null();
	if (member->waiting != NULL)
		since = member->waiting->since_ms;
	next = member->now != NULL ? pool_throttled(member->now, now) : member->waiting->next_ms;
	return json_pack("{s:o, s:o, s:o}", "reason", json_text(why), "since", seconds_json(now - since), "next",
			 seconds_json(next > now ? next - now : 0));
}

/* null: the service has no control group. */
static json_t *cgroup_json(const char *service)
{
	struct group_use use;

	if (!groups_look(service, &use))
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "memory", number_json(use.memory), "memory_max",
			 number_json(use.memory_max), "tasks", number_json(use.tasks), "tasks_max",
			 number_json(use.tasks_max), "oom_kills", number_json(use.oom_kills));
}

static json_t *service_json(const struct operations *ops, const struct pool *pool, int64_t now)
{
	const struct member *member = member_find(ops->fleet->members, pool->service->name);
	bool waits = member != NULL && member_waits_for(member) != NULL && pool->state == POOL_SERVING && !pool->paused;
	json_t *workers;
	struct counts c;
	int64_t active;

	status_counts(ops, pool, &c);
	workers = workers_json(ops, pool, &active);
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:{s:I, s:I, s:I, s:o, s:I}, s:I, s:{s:I, s:I}, "
			 "s:I, s:f, s:o, s:o, s:s?, s:o, s:o, s:o, s:o, s:I}",
			 "name", pool->service->name, "handler", handler_of(pool->service), "state",
			 waits ? "waiting" : state_of_pool(ops, pool, now), "workers", workers, "listeners",
			 listeners_json(pool), "connections", "accepted", (json_int_t)c.accepted + (json_int_t)active,
			 "active", (json_int_t)active, "failed", (json_int_t)c.failed, "refused", refused_json(&c),
			 "probes", (json_int_t)c.probes, "requests", (json_int_t)c.accepted, "bytes", "in",
			 (json_int_t)c.bytes_in, "out", (json_int_t)c.bytes_out, "crashes", (json_int_t)c.crashes,
			 "rate", totals_rate(pool->totals), "sources", sources_json(pool->sources, now), "upstreams",
			 status_upstreams_json(pool), "module",
			 pool->service->module != NULL ? pool->service->handler->name : NULL, "counters",
			 own_json(ops, pool), "rolling", rolling_json(ops, pool), "waiting", waiting_json(member, now),
			 "cgroup", cgroup_json(pool->service->name), "violations", (json_int_t)c.violations);
}

/* A service that is not open has the same members as others. */
static json_t *absent_json(const struct config_service *service, const char *state, json_t *waiting)
{
	static const struct counts none = {.accepted = 0};

	return json_pack("{s:s, s:s, s:s, s:{s:i, s:i, s:i, s:i, s:I, s:I}, s:[], s:{s:i, s:i, s:i, s:o, s:i}, s:i, "
			 "s:{s:i, s:i}, s:i, s:f, s:{s:i, s:i}, s:[], s:s?, s:{}, s:n, s:o, s:n, s:i}",
			 "name", service->name, "handler", handler_of(service), "state", state, "workers", "idle", 0,
			 "busy", 0, "starting", 0, "retiring", 0, "min", (json_int_t)service->workers.min, "max",
			 (json_int_t)service->workers.max, "listeners", "connections", "accepted", 0, "active", 0,
			 "failed", 0, "refused", refused_json(&none), "probes", 0, "requests", 0, "bytes", "in", 0,
			 "out", 0, "crashes", 0, "rate", 0.0, "sources", "untracked", 0, "penalized", 0, "upstreams",
			 "module", service->module != NULL ? service->handler->name : NULL, "counters", "rolling",
			 "waiting", waiting, "cgroup", "violations", 0);
}

/* Adds what is told only about a service that was asked for by its name, because it may be long. DEATHS may be NULL. */
static json_t *with_deaths(json_t *service, const struct deaths *deaths)
{
	(void)json_object_set_new(service, "deaths", status_deaths_json(deaths));
	(void)json_object_set_new(service, "deaths_lost", json_integer(deaths != NULL ? (json_int_t)deaths->lost : 0));
	return service;
}

/* The service in force, which may wait. BY_NAME: it was asked for by its name. */
static json_t *member_json(const struct operations *ops, const struct config_service *service, bool by_name,
			   int64_t now)
{
	const struct member *member = member_find(ops->fleet->members, service->name);
	json_t *json;

	if (member != NULL && member->now != NULL) {
		json = service_json(ops, member->now, now);
		return by_name ? with_deaths(json, member->now->totals->deaths) : json;
	}
	json = absent_json(service, "waiting", waiting_json(member, now));
	return by_name ? with_deaths(json, NULL) : json;
}

static void add_disabled(json_t *services, const struct config *config, const char *name)
{
	for (size_t i = config->n_services; i < config->n_services + config->n_disabled; i++) {
		json_t *json;

		if (name != NULL && strcmp(config->services[i].name, name) != 0)
			continue;
		json = absent_json(&config->services[i], "disabled", json_null());
		(void)json_array_append_new(services, name != NULL ? with_deaths(json, NULL) : json);
	}
}

static json_t *verdict_json(const struct verdict *verdict, int64_t now)
{
	if (!verdict->any)
		return json_null();
	return json_pack("{s:b, s:o, s:o}", "success", verdict->success, "text", json_text(verdict->text), "age",
			 seconds_json(now - verdict->at_ms));
}

json_t *status_json(const struct operations *ops, const char *name)
{
	const struct config *config = ops->fleet->generation->config;
	json_t *services = json_array();
	int64_t now = clock_ms();

	for (size_t i = 0; i < config->n_services; i++)
		if (name == NULL || strcmp(config->services[i].name, name) == 0)
			(void)json_array_append_new(services,
						    member_json(ops, &config->services[i], name != NULL, now));
	add_disabled(services, fleet_config(ops->fleet), name);
	return json_pack("{s:s, s:i, s:s, s:I, s:o, s:o, s:I, s:o}", "version", PACKAGE_VERSION, "pid", (int)getpid(),
			 "state", status_state(ops), "generation", (json_int_t)ops->fleet->generation->number, "uptime",
			 seconds_json(now - ops->fleet->started_ms), "last_reload", verdict_json(&ops->last, now),
			 "log_lost", (json_int_t)log_lost(), "services", services);
}

/* ---- workers ---- */

static const char *worker_state(const struct pool *pool, const struct proc *proc)
{
	enum slot_state state = proc_state(proc);

	if (pool->state == POOL_HELD && state == SLOT_STARTING)
		return "held";
	if (proc->leaving)
		return "retiring"; /* it may still serve its client */
	switch (state) {
	case SLOT_STARTING:
		return "starting";
	case SLOT_IDLE:
		return "idle";
	case SLOT_BUSY:
		return "busy";
	case SLOT_FREE:
	case SLOT_LEAVING:
		break;
	}
	return "retiring";
}

static json_t *peer_json(const struct proc *proc)
{
	char text[ADDR_TEXT_MAX];
	struct sockaddr_any peer;

	if (proc_state(proc) != SLOT_BUSY)
		return json_null();
	board_peer_get(proc_slot(proc), &peer);
	return json_text(addr_format(&peer, text, sizeof(text)));
}

/* Since when it is in its state, within what can be believed. The worker's clock is a coarse one: it may say that the
 * state is some milliseconds older than the worker. */
static int64_t since_ms(const struct proc *proc, int64_t now)
{
	int64_t since = atomic_load(&proc_slot(proc)->since_ms);

	if (since > now)
		return now;
	return since > proc->started_ms ? since : proc->started_ms;
}

static json_t *worker_json(const struct pool *pool, struct proc *proc, int64_t now)
{
	const struct counts *c = &proc->seen;
	const char *state = worker_state(pool, proc);

	(void)pool_count_look(proc, now);
	return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:I, s:{s:I, s:I}, s:I, s:o}", "service",
			 pool->service->name, "pid", (int)proc->pid, "state", state, "peer", peer_json(proc),
			 "listener", address_json(&pool->listeners[proc->lane]), "age",
			 seconds_json(now - proc->started_ms), "since", seconds_json(now - since_ms(proc, now)),
			 "requests", (json_int_t)c->accepted, "bytes", "in", (json_int_t)c->bytes_in, "out",
			 (json_int_t)c->bytes_out, "generation",
			 (json_int_t)(pool->generation != NULL ? pool->generation->number : 0), "status",
			 proc->program != NULL ? json_text(proc->program->status) : json_null());
}

static void add_workers(json_t *list, const struct pool *pool, int64_t now)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc)
		(void)json_array_append_new(list, worker_json(pool, proc, now));
}

json_t *status_workers_json(const struct operations *ops, const char *name)
{
	struct fleet_cursor at = {0};
	json_t *list = json_array();
	const struct pool *pool, *fresh;
	int64_t now = clock_ms();

	while ((pool = fleet_next(ops->fleet, &at)) != NULL) {
		if (name != NULL && strcmp(pool->service->name, name) != 0)
			continue;
		add_workers(list, pool, now);
		fresh = fleet_find(ops->fleet, pool->service->name) == pool ? find_fresh(ops, pool) : NULL;
		if (fresh != NULL)
			add_workers(list, fresh, now);
	}
	return list;
}
