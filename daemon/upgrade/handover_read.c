/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "board/deaths.h"
#include "change/drain.h"
#include "change/operation.h"
#include "change/reload.h"
#include "change/resize.h"
#include "change/restart.h"
#include "config/config.h"
#include "fleet/orphans.h"
#include "listeners/control_socket.h"
#include "listeners/fd_store.h"
#include "pool/pool_adopt.h"
#include "pool/pool_new.h"
#include "pool/pool_targets.h"
#include "pool/program.h"
#include "pool/program_notify.h"
#include "pool/worker_output.h"
#include "upgrade/handover.h"
#include "upgrade/handover_tables.h"

#define LANES_MOST   10000 /* far more than any configuration has */
#define RECORDS_MOST 1048576

static json_int_t get_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *get_text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value != NULL ? value : "";
}

/* ---- the tables of sources ---- */

/* One that was handed over. Pools refer to it by its descriptor. */
struct table {
	json_int_t fd; /* its number in the handover */
	struct sources *sources;
	bool is_known; /* `sources` is this table, and not a new one in its place */
};

struct tables {
	struct table *list;
	size_t n;
};

/* A table that cannot be taken over is replaced by an empty one. */
static int read_table(const json_t *s, struct table *out, struct err *err)
{
	struct err why = {.text = "it is of another version"};
	struct sources was = {.fd = -1};

	if (rows_read(&sources_table, s, &was, err) < 0)
		return -1;
	out->fd = get_number(s, "fd");
	if (was.n_records == 0 || was.n_records > RECORDS_MOST)
		was.n_records = 1; /* the next pool then makes a table of the configured size */
	if (was.fd >= 0 && get_number(s, "version") == sources_version())
		out->sources = sources_adopt(&was, &why);
	out->is_known = out->sources != NULL;
	if (out->is_known)
		return 0;
	out->sources = sources_new(was.n_records, err);
	if (out->sources == NULL)
		return -1;
	fd_close(&was.fd);
	log_msg(LOG_WARNING,
		"the table of sources of the program before is not taken over: %s; "
		"limits and penalties of clients begin anew",
		why.text);
	return 0;
}

static int read_tables(const json_t *list, struct tables *tables, struct err *err)
{
	size_t n = json_array_size(list), i;
	const json_t *s;

	*tables = (struct tables){.list = calloc(n + 1, sizeof(*tables->list))};
	if (tables->list == NULL)
		return err_set(err, "no memory for tables of sources");
	json_array_foreach (list, i, s)
		if (read_table(s, &tables->list[tables->n++], err) < 0)
			return -1;
	return 0;
}

static void clear_tables(struct tables *tables)
{
	for (size_t i = 0; i < tables->n; i++)
		sources_unref(&tables->list[i].sources);
	free(tables->list);
	*tables = (struct tables){.n = 0};
}

static const struct table *find_table(const json_t *p, const struct tables *tables)
{
	for (size_t i = 0; i < tables->n; i++)
		if (tables->list[i].fd == get_number(p, "sources"))
			return &tables->list[i];
	return NULL;
}

/* ---- a pool and what belongs to it ---- */

static int read_listener(const json_t *l, struct listener *out, struct err *err)
{
	if (rows_read(&listener_table, l, out, err) < 0)
		return -1;
	if (out->fd < 0 && get_number(l, "fd") >= 0)
		return err_set(err, "a listener of the program before is not there");
	fd_store_seen(out->stored);
	(void)addr_format(&out->addr, out->text, sizeof(out->text));
	return 0;
}

static int read_listeners(const json_t *list, struct pool *pool, struct err *err)
{
	const json_t *l;
	size_t i;

	json_array_foreach (list, i, l)
		if (read_listener(l, &pool->listeners[i], err) < 0)
			return -1;
	return 0;
}

static int read_board(const json_t *b, struct pool *pool, bool *known_out, struct err *err)
{
	struct board was = {.fd = -1};

	if (rows_read(&board_table, b, &was, err) < 0)
		return -1;
	return pool_adopt_board(pool, &was, get_number(b, "version"), known_out, err);
}

static int read_worker(const json_t *w, struct pool *pool, const struct pool_known *known, struct err *err)
{
	const json_t *p = json_object_get(w, "program");
	struct program_output output = {.fd = -1};
	struct program program = {.alive_ms = 0};
	struct proc worker = {.seat = -1};

	if (rows_read(&worker_table, w, &worker, err) < 0 ||
	    (p != NULL &&
	     (rows_read(&program_table, p, &program, err) < 0 || rows_read(&output_table, p, &output, err) < 0)))
		return -1;
	return proc_adopt(pool, &worker, p != NULL ? &program : NULL, output.fd, known, err);
}

static int read_workers(const json_t *list, struct pool *pool, const struct pool_known *known, struct err *err)
{
	const json_t *w;
	size_t i;

	json_array_foreach (list, i, w)
		if (read_worker(w, pool, known, err) < 0)
			return -1;
	return 0;
}

static void read_own_names(const json_t *list, struct own_names *out)
{
	for (size_t i = 0; i < BOARD_COUNTERS && i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		(void)snprintf(out->name[i], OWN_NAME_MAX, "%s", name != NULL ? name : "");
	}
}

static int read_own_counts(const json_t *list, struct totals *totals, struct err *err)
{
	const struct own_names none = {.name = {""}};
	const json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry) {
		struct own_count count = {.name = ""};

		if (rows_read(&own_count_table, entry, &count, err) < 0)
			return -1;
		totals_own_add(totals, count.name, count.n, &none);
	}
	return 0;
}

static int read_deaths(const json_t *t, struct totals *totals, struct err *err)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(t, "deaths"), i, entry) {
		struct death death = {.kind = DEATH_WORKER};

		if (rows_read(&death_table, entry, &death, err) < 0)
			return -1;
		deaths_add(&totals->deaths, &death);
	}
	deaths_lose(&totals->deaths, (uint64_t)get_number(t, "deaths_lost"));
	return 0;
}

/* Pools of one service share their totals; each of them has them in the handover. NULL and *err. */
static struct totals *read_totals(const json_t *t, const char *service, const struct fleet *fleet, struct err *err)
{
	const json_t *refused = json_object_get(t, "refused");
	const struct pool *other;
	struct totals *totals;

	DL_FOREACH (fleet->retiring, other)
		if (strcmp(other->service->name, service) == 0)
			return totals_ref(other->totals);
	totals = totals_new();
	if (totals == NULL)
		return (void)err_set(err, "no memory for a pool"), NULL;
	for (enum refusal r = REFUSED_NOT + 1; r < REFUSALS; r++)
		totals->gone.refused[r] = (uint64_t)get_number(refused, refusal_name(r));
	if (rows_read(&counts_table, t, &totals->gone, err) < 0 ||
	    read_own_counts(json_object_get(t, "own"), totals, err) < 0 || read_deaths(t, totals, err) < 0)
		totals_unref(&totals);
	return totals;
}

static int read_service(const json_t *p, struct config_service *service, struct err *err)
{
	int *stop_signal = &service->program.stop_signal;

	if (rows_read(&service_table, json_object_get(p, "service"), service, err) < 0 ||
	    rows_read(&options_table, json_object_get(p, "options"), &service->socket, err) < 0)
		return -1;
	if (service->name == NULL)
		return err_set(err, "a pool of the program before has no name");
	if (*stop_signal <= 0 || *stop_signal >= NSIG)
		*stop_signal = SIGTERM;
	return 0;
}

/* A literal, because pool->occasion is not owned. */
static const char *find_occasion(const char *text)
{
	static const char *const known[] = {"stop", "reload", "restart", "resize", "upgrade", "drain"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(text, known[i]) == 0)
			return known[i];
	return "upgrade";
}

static int read_state(const json_t *p, struct pool *pool, struct err *err)
{
	if (strcmp(get_text(p, "state"), pool_state_name(POOL_ENDING)) == 0)
		pool->state = POOL_ENDING;
	pool->occasion = find_occasion(get_text(p, "occasion"));
	pool->fingerprint = (uint64_t)get_number(p, "fingerprint");
	return rows_read(&pool_table, p, pool, err);
}

static int read_notify(const json_t *n, struct pool *pool, struct err *err)
{
	struct program_notify was = {.fd = -1};

	if (rows_read(&notify_table, n, &was, err) < 0)
		return -1;
	return program_notify_adopt(pool, was.fd, was.name, err);
}

/* If workers live on whose lines go to standard error, O describes their output; otherwise it is NULL. */
static int read_output(const json_t *o, struct pool *pool, struct err *err)
{
	struct worker_output was = {.fd = -1};

	if (o == NULL)
		return 0;
	if (rows_read(&worker_output_table, o, &was, err) < 0)
		return -1;
	pool->output = worker_output_adopt(pool->event, was.fd, err);
	return pool->output != NULL ? 0 : -1;
}

static int read_targets(const json_t *t, struct pool *pool, struct err *err)
{
	if (rows_read(&targets_table, t, pool, err) < 0)
		return -1;
	pool_targets_read(t, &pool->stand_in->upstreams);
	return 0;
}

/* Adds to the fleet a pool that has its service, and nothing else yet. */
static struct pool *add_pool(const json_t *p, struct fleet *fleet, struct sources *sources, struct err *err)
{
	struct totals *totals =
		read_totals(json_object_get(p, "totals"), get_text(json_object_get(p, "service"), "name"), fleet, err);
	const struct pool_parts parts = {
		.event = fleet->event,
		.n_listeners = json_array_size(json_object_get(p, "listeners")),
		.totals = totals,
		.sources = sources,
		.by_pid = &fleet->by_pid,
		.dead = fleet->dead,
	};
	struct pool *pool = totals != NULL ? pool_adopt(&parts, err) : NULL;

	totals_unref(&totals);
	if (pool != NULL && read_service(p, pool->stand_in, err) < 0)
		pool_free(&pool);
	if (pool != NULL)
		DL_APPEND(fleet->retiring, pool);
	return pool;
}

static int read_pool(const json_t *p, struct fleet *fleet, const struct tables *tables, struct err *err)
{
	const json_t *listeners = json_object_get(p, "listeners"), *targets = json_object_get(p, "targets");
	const struct table *table = find_table(p, tables);
	struct pool_known known = {.board = false};
	struct pool *pool;

	if (table == NULL)
		return err_set(err, "a pool of the program before has no table of sources");
	known.sources = table->is_known;
	if (json_array_size(listeners) == 0 || json_array_size(listeners) > LANES_MOST)
		return err_set(err, "a pool of the program before has no listeners");
	pool = add_pool(p, fleet, table->sources, err);
	if (pool == NULL)
		return -1;
	read_own_names(json_object_get(p, "own"), &pool->own);
	if (json_is_true(json_object_get(p, "programs")))
		fleet->has_programs = true;
	if (read_state(p, pool, err) < 0 || (targets != NULL && read_targets(targets, pool, err) < 0) ||
	    read_output(json_object_get(p, "output"), pool, err) < 0 ||
	    (pool->service->program.runs && read_notify(json_object_get(p, "notify"), pool, err) < 0))
		return -1;
	if (read_listeners(listeners, pool, err) < 0 ||
	    read_board(json_object_get(p, "board"), pool, &known.board, err) < 0)
		return -1;
	return read_workers(json_object_get(p, "workers"), pool, &known, err);
}

static int read_pools(const json_t *handover, struct fleet *fleet, struct err *err)
{
	struct tables tables;
	const json_t *p;
	size_t i;
	int rc = read_tables(json_object_get(handover, "sources"), &tables, err);

	for (i = 0; rc == 0 && (p = json_array_get(json_object_get(handover, "pools"), i)) != NULL; i++)
		rc = read_pool(p, fleet, &tables, err);
	clear_tables(&tables);
	return rc;
}

/* ---- jobs and orders ---- */

static int read_jobs(const json_t *j, struct jobs *jobs, struct err *err)
{
	const json_t *entry;
	size_t i;

	if (rows_read(&jobs_table, j, jobs, err) < 0)
		return -1;
	json_array_foreach (json_object_get(j, "list"), i, entry) {
		struct job job = {.number = 0};

		if (rows_read(&job_table, entry, &job, err) < 0)
			return -1;
		if (json_is_array(json_object_get(entry, "reasons")))
			job.reasons = json_object_get(entry, "reasons");
		if (jobs_restore(jobs, &job) < 0)
			return err_set(err, "no memory for a job");
	}
	return 0;
}

static int read_members(const json_t *list, struct fleet *fleet, struct err *err)
{
	const json_t *m;
	size_t i;

	json_array_foreach (list, i, m) {
		struct member *member = member_get(&fleet->members, get_text(m, "name"));

		if (member == NULL)
			return err_set(err, "no memory for a service");
		if (rows_read(&member_table, m, member, err) < 0)
			return -1;
	}
	return 0;
}

static const struct operation_kind *find_kind(const char *order)
{
	static const struct operation_kind *const kinds[] = {&reload_kind, &restart_kind, &resize_kind};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i]->name, order) == 0)
			return kinds[i];
	return NULL;
}

static int read_waiting(const json_t *list, struct operations *ops, struct err *err)
{
	const json_t *w;
	size_t i;

	json_array_foreach (list, i, w) {
		const struct operation_kind *kind = find_kind(get_text(w, "order"));
		struct member *member = member_find(ops->fleet->members, get_text(w, "service"));
		struct operation op = {.job = 0};

		if (rows_read(&operation_table, w, &op, err) < 0)
			return -1;
		if (kind != NULL && operation_wait(ops, kind, member, op.job, op.min, op.max) < 0)
			return err_set(err, "no memory for an order");
	}
	return 0;
}

/* The drain goes on; fleet->drained is set already. */
static int resume_drain(unsigned job, struct operations *ops, struct err *err)
{
	if (job == 0 || operation_run(ops, &drain_kind, NULL, job) != NULL)
		return 0;
	return err_set(err, "no memory for a drain");
}

static int read_control(const json_t *c, struct operations *ops, struct err *err)
{
	struct handover_control control = {.fd = -1};
	int rc = c != NULL ? rows_read(&control_table, c, &control, err) : 0;

	if (rc == 0 && control.fd >= 0 && control.path != NULL) {
		ops->control = control_socket_new(ops->fleet->event, err);
		rc = ops->control != NULL ? 0 : -1;
	}
	if (rc == 0 && ops->control != NULL)
		control_socket_adopt(ops->control, control.fd, control.path, &control.mark);
	free(control.path);
	return rc;
}

int handover_restore(struct operations *ops, const json_t *handover, struct err *err)
{
	struct handover_head head = {.format = 0};

	if (rows_read(&head_table, handover, &head, err) < 0)
		return -1;
	ops->fleet->generation->number = head.generation + 1;
	ops->fleet->started_ms = head.started_ms;
	ops->fleet->drained = head.drained;
	orphans_restore(json_object_get(handover, "before_us"));
	if (read_jobs(json_object_get(handover, "jobs"), &ops->jobs, err) < 0 ||
	    read_members(json_object_get(handover, "members"), ops->fleet, err) < 0 ||
	    read_waiting(json_object_get(handover, "waiting"), ops, err) < 0 ||
	    resume_drain(head.drain_job, ops, err) < 0 || read_pools(handover, ops->fleet, err) < 0)
		return -1;
	return read_control(json_object_get(handover, "control"), ops, err);
}
