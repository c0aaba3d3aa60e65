/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <utlist.h>

#include "board/deaths.h"
#include "change/launch.h"
#include "change/operation.h"
#include "config/config.h"
#include "config/fingerprint.h"
#include "fleet/orphans.h"
#include "listeners/control_socket.h"
#include "pool/pool_targets.h"
#include "pool/program.h"
#include "pool/program_notify.h"
#include "pool/worker_output.h"
#include "upgrade/handover.h"
#include "upgrade/handover_tables.h"

static bool is_partial; /* a part of the handover is missing, because there was no memory */

static void add_value(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		is_partial = true;
}

static void add_item(json_t *list, json_t *value)
{
	if (json_array_append_new(list, value) < 0)
		is_partial = true;
}

static json_t *write_worker(const struct proc *proc)
{
	json_t *out = rows_write(&worker_table, proc), *program;

	if (proc->program != NULL) {
		program = rows_write(&program_table, proc->program);
		if (json_object_update_new(program, rows_write(&output_table, proc->program->output)) < 0)
			is_partial = true;
		add_value(out, "program", program);
	}
	return out;
}

static json_t *write_own_names(const struct own_names *own)
{
	json_t *list = json_array();

	for (size_t i = 0; i < BOARD_COUNTERS && own->name[i][0] != '\0'; i++)
		add_item(list, json_string(own->name[i]));
	return list;
}

/* The oldest first. */
static json_t *write_deaths(const struct deaths *deaths)
{
	json_t *list = json_array();
	const struct death *death;

	for (unsigned i = DEATHS_KEPT; i-- > 0;) {
		death = deaths_get(deaths, i);
		if (death != NULL)
			add_item(list, rows_write(&death_table, death));
	}
	return list;
}

/* Refusals are written by name, because the next image may know more reasons, or fewer. */
static json_t *write_totals(const struct totals *totals)
{
	json_t *out = rows_write(&counts_table, &totals->gone), *refused = json_object(), *own = json_array();

	for (enum refusal r = REFUSED_NOT + 1; r < REFUSALS; r++)
		add_value(refused, refusal_name(r), json_integer((json_int_t)totals->gone.refused[r]));
	for (size_t i = 0; i < TOTALS_OWN; i++)
		if (totals->own[i].name[0] != '\0')
			add_item(own, rows_write(&own_count_table, &totals->own[i]));
	add_value(out, "refused", refused);
	add_value(out, "own", own);
	add_value(out, "deaths", write_deaths(totals->deaths));
	add_value(out, "deaths_lost", json_integer(totals->deaths != NULL ? (json_int_t)totals->deaths->lost : 0));
	return out;
}

static json_t *write_board(const struct board *board)
{
	json_t *out = rows_write(&board_table, board);

	add_value(out, "version", json_integer(board_version()));
	return out;
}

/* 0: the pool runs no programs, or is from an image before us and not in force. */
static json_int_t compute_fingerprint(const struct pool *pool)
{
	const struct config *config;

	if (pool->generation == NULL || !pool->service->program.runs)
		return 0;
	config = pool->generation->config;
	return (json_int_t)config_fingerprint(config, (size_t)(pool->service - config->services));
}

static json_t *write_pool(const struct pool *pool)
{
	json_t *listeners = json_array(), *workers = json_array(), *out = rows_write(&pool_table, pool);
	const struct proc *proc;

	for (size_t i = 0; i < pool->n_lanes; i++)
		add_item(listeners, rows_write(&listener_table, &pool->listeners[i]));
	DL_FOREACH (pool->procs, proc)
		add_item(workers, write_worker(proc));
	add_value(out, "state", json_string(pool_state_name(pool->state)));
	add_value(out, "occasion", pool->occasion != NULL ? json_string(pool->occasion) : json_null());
	add_value(out, "fingerprint", json_integer(compute_fingerprint(pool)));
	add_value(out, "programs", json_boolean(pool->service->command != NULL));
	add_value(out, "service", rows_write(&service_table, pool->service));
	add_value(out, "options", rows_write(&options_table, &pool->service->socket));
	add_value(out, "board", write_board(&pool->board));
	add_value(out, "sources", json_integer(pool->sources->fd));
	add_value(out, "totals", write_totals(pool->totals));
	add_value(out, "own", write_own_names(&pool->own));
	add_value(out, "listeners", listeners);
	add_value(out, "workers", workers);
	if (pool->notify != NULL)
		add_value(out, "notify", rows_write(&notify_table, pool->notify));
	worker_output_pass(pool->output); /* a line of which a part has been read would be lost */
	if (pool->output != NULL)
		add_value(out, "output", rows_write(&worker_output_table, pool->output));
	if (pool->targets >= 0)
		add_value(out, "targets", pool_targets_write(pool));
	return out;
}

/* Adds a table of sources to LIST, once: several generations of a service share one. */
static void add_sources(json_t *list, const struct sources *sources)
{
	const json_t *other;
	json_t *out;
	size_t i;

	json_array_foreach (list, i, other)
		if (json_integer_value(json_object_get(other, "fd")) == sources->fd)
			return;
	out = rows_write(&sources_table, sources);
	add_value(out, "version", json_integer(sources_version()));
	add_item(list, out);
}

static void add_job(json_t *list, const struct job *job)
{
	json_t *out = rows_write(&job_table, job);

	if (job->reasons != NULL)
		add_value(out, "reasons", json_incref(job->reasons));
	add_item(list, out);
}

static json_t *write_jobs(const struct jobs *jobs)
{
	json_t *list = json_array(), *out = rows_write(&jobs_table, jobs);
	const struct job *job;

	LL_FOREACH (jobs->open, job)
		add_job(list, job);
	for (size_t i = 0; i < JOBS_KEPT; i++) { /* the oldest first */
		job = &jobs->done[(jobs->n_done + i) % JOBS_KEPT];
		if (job->number != 0)
			add_job(list, job);
	}
	add_value(out, "list", list);
	return out;
}

/* Orders that wait: the new image carries them out. */
static json_t *write_waiting(const struct operations *ops)
{
	json_t *list = json_array();
	const struct operation *op;

	DL_FOREACH (ops->waiting, op) {
		json_t *out = rows_write(&operation_table, op);

		add_value(out, "order", json_string(op->kind->name));
		if (op->member != NULL)
			add_value(out, "service", json_string(op->member->name));
		add_item(list, out);
	}
	return list;
}

static json_t *write_members(const struct fleet *fleet)
{
	json_t *list = json_array();
	const struct member *member, *next;

	HASH_ITER (hh, (struct member *)fleet->members, member, next) {
		json_t *out = rows_write(&member_table, member);

		add_value(out, "name", json_string(member->name));
		add_item(list, out);
	}
	return list;
}

static void add_control(json_t *to, const struct operations *ops)
{
	struct handover_control control;
	const char *path;

	control.fd = control_socket_fd(ops->control, &path, &control.mark);
	if (control.fd < 0)
		return;
	control.path = (char *)path;
	add_value(to, "control", rows_write(&control_table, &control));
}

json_t *handover_collect(const struct operations *ops, unsigned job)
{
	const struct operation *drain = operation_find(ops, ORDER_DRAIN);
	const struct handover_head head = {
		.format = HANDOVER_FORMAT,
		.pid = getpid(),
		.job = job,
		.version = PACKAGE_VERSION,
		.generation = ops->fleet->generation->number,
		.started_ms = ops->fleet->started_ms,
		.background = !ops->launch->foreground,
		.drained = ops->fleet->drained,
		.drain_job = drain != NULL ? drain->job : 0,
	};
	json_t *pools = json_array(), *sources = json_array(), *out = rows_write(&head_table, &head);
	struct fleet_cursor at = {0};
	const struct pool *pool;

	is_partial = false;
	while ((pool = fleet_next(ops->fleet, &at)) != NULL) {
		add_item(pools, write_pool(pool));
		add_sources(sources, pool->sources);
	}
	add_value(out, "before_us", orphans_before_us());
	add_value(out, "pools", pools);
	add_value(out, "sources", sources);
	add_value(out, "jobs", write_jobs(&ops->jobs));
	add_value(out, "waiting", write_waiting(ops));
	add_value(out, "members", write_members(ops->fleet));
	add_control(out, ops);
	if (is_partial) {
		json_decref(out);
		return NULL;
	}
	return out;
}
