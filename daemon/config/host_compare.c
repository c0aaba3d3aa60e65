/* SPDX-License-Identifier: MIT */
#include "config/host_compare.h"

#include <inttypes.h>
#include <preforkd/module.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/parse.h"
#include "config/checker.h"
#include "config/config.h"
#include "config/value_source.h"
#include "config/values.h"
#include "syntax/problems.h"

/* Descriptors of the master. A worker has fewer than FILES_BASE. */
#define FILES_BASE     32 /* the log, the loop, the control socket and its clients */
#define FILES_SERVICE  8  /* for each service, with two generations during a reload */
#define FILES_LISTENER 2  /* for each address */
#define FILES_EVICT    2  /* for a service that watches its queues */
#define FILES_UPSTREAM 2  /* for a service that passes connections on */

struct comparison {
	const struct config *config;
	const struct limits *limits;
	struct checker checker;
};

static const struct service_values *get_values(const struct comparison *c, size_t i)
{
	return &c->config->store->services[i];
}

static bool runs_programs(const struct config_service *service)
{
	return (service->handler->flags & PREFORKD_COMMAND) != 0;
}

static bool has_queue(const struct config_service *service)
{
	for (size_t i = 0; i < service->n_listen; i++) {
		if (!service->listen[i].datagram)
			return true;
	}
	return false;
}

/* The systemd unit whose limits apply, for messages. */
static const char *get_unit(const struct comparison *c)
{
	return c->limits->unit[0] != '\0' ? c->limits->unit : "the unit";
}

/* A backlog from `defaults` or from the table is warned about once, with the first service that has it. */
static void compare_backlogs(const struct comparison *c)
{
	int64_t most = c->limits->somaxconn;
	bool said = false;

	for (size_t i = 0; most >= 0 && i < c->config->n_services; i++) {
		const struct config_service *service = &c->config->services[i];
		const struct value_source *source = value_source(get_values(c, i), "backlog");

		if (service->backlog <= most || !has_queue(service) || (said && source->level != LEVEL_SERVICE))
			continue;
		if (source->level != LEVEL_SERVICE)
			said = true;
		checker_warning(
			&c->checker, get_values(c, i), source,
			"services.%s asks for a queue of %" PRId64 "%s, the kernel gives %" PRId64 "; raise the sysctl "
			"net.core.somaxconn, or lower backlog",
			service->name, service->backlog, source->level == LEVEL_PRESET ? " (the default)" : "", most);
	}
}

/* Sets *MOST to the service that has most addresses, and *LISTENERS to the number of all. */
static int64_t count_files(const struct comparison *c, size_t *most, int64_t *listeners)
{
	int64_t need = FILES_BASE;

	*listeners = 0;
	*most = 0;
	for (size_t i = 0; i < c->config->n_services; i++) {
		const struct service_values *values = get_values(c, i);

		*listeners += (int64_t)values->n_lanes;
		if (c->config->services[i].workers.on_full == ON_FULL_EVICT)
			need += FILES_EVICT;
		if (c->config->services[i].upstreams.n > 0)
			need += FILES_UPSTREAM;
		if (values->n_lanes > get_values(c, *most)->n_lanes)
			*most = i;
	}
	return need + (int64_t)c->config->n_services * FILES_SERVICE + *listeners * FILES_LISTENER;
}

static void compare_files(const struct comparison *c)
{
	int64_t have = c->limits->files, listeners;
	size_t most;
	int64_t need = count_files(c, &most, &listeners);

	if (have < 0 || need <= have)
		return;
	checker_warning(&c->checker, get_values(c, most), value_source(get_values(c, most), "listen"),
			"%" PRId64 " addresses of %zu services, of which services.%s has most, may "
			"need %" PRId64 " descriptors, the limit (RLIMIT_NOFILE, soft) is %" PRId64
			"; raise LimitNOFILE= of %s, or ulimit -n",
			listeners, c->config->n_services, c->config->services[most].name, need, have, get_unit(c));
}

/* The most processes that service I can have. */
static int64_t count_processes(const struct comparison *c, size_t i)
{
	const struct config_service *service = &c->config->services[i];
	int64_t refusers = 0; /* processes that refuse clients: one for each address, not counted in max */

	if (service->workers.on_full == ON_FULL_REFUSE)
		refusers = (int64_t)get_values(c, i)->n_lanes;
	return service->workers.max * (runs_programs(service) ? 2 : 1) + refusers;
}

/* Warns at the service MOST, which has most of the NEED processes. */
static void warn_processes(const struct comparison *c, size_t most, int64_t need, const char *whose, const char *limit,
			   int64_t have, const char *setting)
{
	const struct config_service *service = &c->config->services[most];

	checker_warning(&c->checker, get_values(c, most), value_source(get_values(c, most), "workers.max"),
			"%s may become %" PRId64 " processes, %" PRId64 " of them of services.%s%s; %s is %" PRId64
			"; raise %s, or lower workers.max",
			whose, need, count_processes(c, most), service->name,
			runs_programs(service) ? ", with their programs" : "", limit, have, setting);
}

/* Sets *MOST to the service that may have most of them. */
static int64_t count_tasks(const struct comparison *c, size_t *most)
{
	int64_t need = 1; /* the master */

	*most = 0;
	for (size_t i = 0; i < c->config->n_services; i++) {
		need += count_processes(c, i);
		if (count_processes(c, i) > count_processes(c, *most))
			*most = i;
	}
	return need;
}

static void compare_tasks(const struct comparison *c)
{
	int64_t have = c->limits->tasks;
	size_t most;
	int64_t need = count_tasks(c, &most);

	if (have >= 0 && need > have)
		warn_processes(c, most, need, "all services", "the limit", have, c->limits->tasks_set);
}

/*
 * RLIMIT_NPROC counts all processes of a user, and does not apply to root. A master that runs as root can start any
 * number of workers, but a worker of another user that starts a program is limited.
 */
static void compare_user(const struct comparison *c, size_t first)
{
	const struct identity *who = &c->config->services[first].identity;
	int64_t have = c->limits->processes, need = who->set ? 0 : 1;
	bool counts = !who->set;
	char whose[96], setting[320];
	size_t most = first;

	for (size_t i = 0; i < c->config->n_services; i++) {
		const struct config_service *service = &c->config->services[i];

		if (service->identity.uid != who->uid)
			continue;
		if (i < first)
			return; /* this user was compared with an earlier service */
		need += count_processes(c, i);
		counts = counts || runs_programs(service);
		if (count_processes(c, i) > count_processes(c, most))
			most = i;
	}
	if (!counts || need <= have)
		return;
	(void)snprintf(whose, sizeof(whose), "services of the user %.64s", who->user);
	(void)snprintf(setting, sizeof(setting), "LimitNPROC= of %s, or ulimit -u", get_unit(c));
	warn_processes(c, most, need, whose, "the limit of a user (RLIMIT_NPROC, soft)", have, setting);
}

static void compare_users(const struct comparison *c)
{
	for (size_t i = 0; c->limits->processes >= 0 && i < c->config->n_services; i++) {
		if (c->config->services[i].identity.uid != 0)
			compare_user(c, i);
	}
}

/* True: A may drain for longer than B; 0 is no limit. */
static bool is_longer(const struct config_service *a, const struct config_service *b)
{
	if (a->timeouts.drain == 0 || b->timeouts.drain == 0)
		return b->timeouts.drain != 0;
	return a->timeouts.drain > b->timeouts.drain;
}

static size_t find_longest_stop(const struct config_service *services, size_t n)
{
	size_t most = 0;

	for (size_t i = 1; i < n; i++) {
		if (is_longer(&services[i], &services[most]))
			most = i;
	}
	return most;
}

static void compare_stop(const struct comparison *c)
{
	const struct config_service *services = c->config->services;
	char drain[32] = "no time limit", stop[32];
	size_t most = find_longest_stop(services, c->config->n_services);

	if (c->limits->stop_ms < 0)
		return;
	if (services[most].timeouts.drain != 0 && services[most].timeouts.drain < c->limits->stop_ms)
		return;
	if (services[most].timeouts.drain != 0)
		format_duration(services[most].timeouts.drain, drain, sizeof(drain));
	format_duration(c->limits->stop_ms, stop, sizeof(stop));
	checker_warning(&c->checker, get_values(c, most), value_source(get_values(c, most), "timeouts.drain"),
			"at a stop clients of services.%s have %s to finish, but the service manager "
			"kills all after %s; raise TimeoutStopSec= of %s above it, or lower "
			"timeouts.drain",
			services[most].name, drain, stop, get_unit(c));
}

void host_compare(const struct config *config, const struct limits *limits, struct problems **problems)
{
	struct comparison c = {.config = config, .limits = limits};

	if (*problems == NULL)
		*problems = problems_new();
	c.checker = (struct checker){.store = config->store, .problems = *problems};
	compare_backlogs(&c);
	compare_files(&c);
	compare_tasks(&c);
	compare_users(&c);
	compare_stop(&c);
	problems_sort(*problems);
}

void host_demand_of(const struct config *config, struct host_demand *out)
{
	const struct comparison c = {.config = config};
	int64_t unused;

	out->files = count_files(&c, &out->files_of, &unused);
	out->tasks = count_tasks(&c, &out->tasks_of);
	out->stop_of = find_longest_stop(config->services, config->n_services);
	out->stop_ms = config->services[out->stop_of].timeouts.drain;
}
