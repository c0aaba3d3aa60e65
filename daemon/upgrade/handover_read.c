/* SPDX-License-Identifier: MIT */
/* The other side of handover.c: what the image before left becomes this one's. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "change/drain.h"
#include "change/operation.h"
#include "change/reload.h"
#include "change/resize.h"
#include "change/restart.h"
#include "config/config.h"
#include "fleet/orphans.h"
#include "listeners/control_socket.h"
#include "listeners/fd_store.h"
#include "pool/pool_targets.h"
#include "pool/program.h"
#include "pool/program_notify.h"
#include "upgrade/handover.h"

#define LANES_MOST   10000 /* beyond any sense */
#define RECORDS_MOST 1048576

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool truth(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value != NULL ? value : "";
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_address(const json_t *object, const char *key, struct sockaddr_any *out)
{
	const char *hex = text(object, key);
	size_t len = strlen(hex) / 2;

	*out = (struct sockaddr_any){.len = 0};
	if (len > sizeof(out->ss) || strlen(hex) % 2 != 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		((unsigned char *)&out->ss)[i] = (unsigned char)(high << 4 | low);
	}
	out->len = (socklen_t)len;
	return 0;
}

/* Ours again, and close-on-exec again. -1: it was none. */
static int read_fd(const json_t *object)
{
	int fd = (int)number(object, "fd");

	return fd >= 3 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
}

static int read_listener(const json_t *l, struct listener *out, struct err *err)
{
	*out = (struct listener){
		.fd = number(l, "fd") >= 0 ? read_fd(l) : -1,
		.inherited = truth(l, "inherited"),
		.listening = truth(l, "listening"),
		.refusing = truth(l, "refusing"),
		.path = {.dev = (dev_t)number(l, "dev"), .ino = (ino_t)number(l, "ino")},
		.backlog = number(l, "backlog"),
		.quiesced_ms = number(l, "quiesced"),
		.for_good = truth(l, "for_good"),
		.reuse_port = truth(l, "reuse_port"),
		.key = {.dual = truth(l, "dual"), .datagram = truth(l, "datagram"), .v6only = truth(l, "v6only")},
	};
	(void)snprintf(out->stored, sizeof(out->stored), "%s", text(l, "stored"));
	fd_store_seen(out->stored);
	(void)snprintf(out->key.name, sizeof(out->key.name), "%s", text(l, "name"));
	if (read_address(l, "asked", &out->key.asked) < 0 || read_address(l, "addr", &out->addr) < 0 ||
	    (number(l, "fd") >= 0 && out->fd < 0))
		return err_set(err, "a listener of the program before is not there");
	(void)addr_format(&out->addr, out->text, sizeof(out->text));
	return 0;
}

static int read_listeners(const json_t *list, struct pool *pool, struct err *err)
{
	size_t n = json_array_size(list), i;
	const json_t *l;

	if (n == 0 || n > LANES_MOST)
		return err_set(err, "a pool of the program before has no listeners");
	pool->listeners = calloc(n, sizeof(*pool->listeners));
	pool->lanes = calloc(n, sizeof(*pool->lanes));
	pool->lane_memory = calloc(n, sizeof(*pool->lane_memory));
	if (pool->listeners == NULL || pool->lanes == NULL || pool->lane_memory == NULL)
		return err_set(err, "no memory for listeners");
	for (i = 0; i < n; i++)
		pool->listeners[i].fd = -1;
	pool->n_lanes = n;
	json_array_foreach (list, i, l)
		if (read_listener(l, &pool->listeners[i], err) < 0)
			return -1;
	return 0;
}

/*
 * A board of this layout is read on; of another one nothing is known but that its workers are there: they get a blank
 * board, on which they are busy for as long as they live.
 */
static int read_board(const json_t *b, struct pool *pool, bool *known_out, struct err *err)
{
	size_t lanes = (size_t)number(b, "lanes"), slots = (size_t)number(b, "slots");
	int fd = read_fd(b);

	*known_out = false;
	if (lanes != pool->n_lanes || slots == 0 || slots > 2 * CONFIG_WORKERS_MOST + 2)
		return err_set(err, "a board of the program before makes no sense");
	if (fd >= 0 && number(b, "version") == board_version() &&
	    board_adopt(&pool->board, fd, lanes, slots, err) == 0) {
		*known_out = true;
		return 0;
	}
	fd_close(&fd);
	return board_create(&pool->board, lanes, slots, err);
}

/* ---- the tables of sources ---- */

/* Those that were handed over; the pools refer to them by their descriptors. */
struct table {
	int fd; /* as it was */
	struct sources *sources;
	bool known; /* it is that one, and not a new one in its place */
};

struct tables {
	struct table *list;
	size_t n;
};

static int read_table(const json_t *s, struct table *out, struct err *err)
{
	int64_t records = number(s, "records");
	struct err why = {.text = "it is of another version"};
	int fd = read_fd(s);

	out->fd = (int)number(s, "fd");
	if (records <= 0 || records > RECORDS_MOST)
		records = 1; /* of no use to anybody, who then makes one of his own */
	if (fd >= 0 && number(s, "version") == sources_version())
		out->sources = sources_adopt(fd, (size_t)records, &why);
	out->known = out->sources != NULL;
	if (out->known)
		return 0;
	fd_close(&fd);
	log_msg(LOG_WARNING,
		"the table of sources of the program before is not taken over: %s; "
		"limits and penalties of clients begin anew",
		why.text);
	out->sources = sources_new((size_t)records, err);
	return out->sources != NULL ? 0 : -1;
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

static void tables_clear(struct tables *tables)
{
	for (size_t i = 0; i < tables->n; i++)
		sources_unref(&tables->list[i].sources);
	free(tables->list);
	*tables = (struct tables){.n = 0};
}

static int find_table(const json_t *p, const struct tables *tables, struct pool *pool, bool *known_out, struct err *err)
{
	for (size_t i = 0; i < tables->n; i++) {
		if (tables->list[i].fd != number(p, "sources"))
			continue;
		pool->sources = sources_ref(tables->list[i].sources);
		*known_out = tables->list[i].known;
		return 0;
	}
	return err_set(err, "a pool of the program before has no table of sources");
}

/* ---- workers and pools ---- */

/* What the pool's workers write to is what we look at. */
struct known {
	bool board, sources;
};

/* -1: it sits in a table that is not read, and counts there. */
static int read_seat(const json_t *w, struct pool *pool, const struct known *known)
{
	int64_t seat = number(w, "seat");

	if (!known->sources || seat < 0 || seat >= SOURCES_SEATS || sources_seat_keep(pool->sources, (size_t)seat) < 0)
		return -1;
	return (int)seat;
}

/* What it writes is read on; where that cannot be, it writes to nobody, and runs on. */
static int read_program(const json_t *p, struct proc *proc, struct err *err)
{
	proc->believed = truth(p, "believed");
	proc->program = calloc(1, sizeof(*proc->program));
	if (proc->program == NULL)
		return err_set(err, "no memory for a program");
	proc->program->output = program_output_adopt(proc->pool->service->name, read_fd(p));
	if (proc->program->output == NULL)
		return err_set(err, "no memory for a program");
	proc->program->alive_ms = number(p, "alive");
	proc->program->abort_ms = number(p, "abort");
	(void)snprintf(proc->program->status, sizeof(proc->program->status), "%s", text(p, "status"));
	program_output_watch(proc->program->output, proc->pid, proc->pool->event);
	return 0;
}

static int read_worker(const json_t *w, struct operations *ops, struct pool *pool, const struct known *known,
		       struct err *err)
{
	struct proc *proc = calloc(1, sizeof(*proc));

	if (proc == NULL)
		return err_set(err, "no memory for a worker");
	*proc = (struct proc){
		.pid = (pid_t)number(w, "pid"),
		.pool = pool,
		.board = &pool->board,
		.lane = (size_t)number(w, "lane"),
		.slot = (size_t)number(w, "slot"),
		.started_ms = number(w, "started"),
		.ready = truth(w, "ready"),
		.leaving = truth(w, "leaving"),
		.retire_ms = number(w, "told"),
		.kill_ms = number(w, "kill"),
	};
	if (proc->pid <= 1 || proc->lane >= pool->n_lanes || board_slot_keep(&pool->board, proc->slot) < 0) {
		free(proc);
		return err_set(err, "a worker of the program before makes no sense");
	}
	proc->seat = read_seat(w, pool, known);
	if (!known->board && json_is_object(json_object_get(w, "program"))) {
		atomic_store(&proc_slot(proc)->state, proc->leaving ? SLOT_LEAVING : SLOT_IDLE);
	} else if (!known->board) {
		atomic_store(&proc_slot(proc)->state, SLOT_BUSY);
		atomic_store(&proc_slot(proc)->has_heard, 1);
	}
	HASH_ADD(by_pid, ops->fleet->by_pid, pid, sizeof(proc->pid), proc);
	DL_APPEND(pool->procs, proc);
	pool->n_procs++;
	if (json_is_object(json_object_get(w, "program")))
		return read_program(json_object_get(w, "program"), proc, err);
	return 0;
}

static void read_own_names(const json_t *list, struct own_names *out)
{
	for (size_t i = 0; i < BOARD_COUNTERS && i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		(void)snprintf(out->name[i], OWN_NAME_MAX, "%s", name != NULL ? name : "");
	}
}

static void read_own_counts(json_t *list, struct totals *totals)
{
	const struct own_names none = {.name = {""}};
	const char *name;
	json_t *n;

	json_object_foreach (list, name, n)
		totals_own_add(totals, name, (uint64_t)json_integer_value(n), &none);
}

/* Former pools of one service share their totals; the first has it as it was. */
static struct totals *read_totals(const json_t *p, const struct operations *ops)
{
	const json_t *t = json_object_get(p, "tally"), *refused = json_object_get(t, "refused");
	const struct pool *other;
	struct totals *totals;

	DL_FOREACH (ops->fleet->retiring, other)
		if (strcmp(other->service->name, text(p, "name")) == 0)
			return totals_ref(other->totals);
	totals = totals_new();
	if (totals == NULL)
		return NULL;
	totals->gone = (struct counts){
		.accepted = (uint64_t)number(t, "accepted"),
		.failed = (uint64_t)number(t, "failed"),
		.bytes_in = (uint64_t)number(t, "in"),
		.bytes_out = (uint64_t)number(t, "out"),
		.crashes = (uint64_t)number(t, "crashes"),
		.probes = (uint64_t)number(t, "probes"),
	};
	for (enum refusal r = REFUSED_NOT + 1; r < REFUSALS; r++)
		totals->gone.refused[r] = (uint64_t)number(refused, refusal_name(r));
	read_own_counts(json_object_get(t, "own"), totals);
	return totals;
}

static void read_options(const json_t *o, struct socket_options *out)
{
	*out = (struct socket_options){
		.nodelay = truth(o, "nodelay"),
		.keepalive = number(o, "keepalive"),
		.defer_accept = number(o, "defer_accept"),
		.reuse_port = truth(o, "reuse_port"),
		.v6only = truth(o, "v6only"),
		.rcvbuf = number(o, "rcvbuf"),
		.sndbuf = number(o, "sndbuf"),
		.user_timeout = number(o, "user_timeout"),
		.freebind = truth(o, "freebind"),
		.device = json_is_string(json_object_get(o, "device")) ? strdup(text(o, "device")) : NULL,
		.mode = (mode_t)number(o, "mode"),
		.owner = (uid_t)number(o, "owner"),
		.group = (gid_t)number(o, "group"),
	};
}

static void read_program_keys(const json_t *p, struct config_service *service)
{
	if (!json_is_object(p))
		return;
	service->timeouts.start = number(p, "start");
	service->program = (struct config_program){
		.runs = true,
		.notify = truth(p, "notify"),
		.watchdog = number(p, "watchdog"),
		.stop_signal = (int)number(p, "stop_signal"),
	};
	if (service->program.stop_signal <= 0 || service->program.stop_signal >= NSIG)
		service->program.stop_signal = SIGTERM;
}

/* As much of its service as is needed to bring it to an end, and to compare with. */
static struct config_service *read_service(const json_t *p)
{
	struct config_service *service = calloc(1, sizeof(*service));

	if (service == NULL)
		return NULL;
	service->name = strdup(text(p, "name"));
	service->backlog = number(p, "backlog");
	service->timeouts.drain = number(p, "drain");
	read_options(json_object_get(p, "options"), &service->socket);
	read_program_keys(json_object_get(p, "program"), service);
	if (service->name != NULL)
		return service;
	free(service->socket.device);
	free(service);
	return NULL;
}

static const char *occasion_of(const json_t *p)
{
	static const char *const known[] = {"stop", "reload", "resize", "upgrade", "drain"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(text(p, "occasion"), known[i]) == 0)
			return known[i];
	return "upgrade";
}

static void read_state(const json_t *p, struct pool *pool)
{
	bool ended = strcmp(text(p, "state"), pool_state_name(POOL_ENDING)) == 0;

	pool->state = ended ? POOL_ENDING : POOL_SUPERSEDED;
	pool->limits.min = number(p, "min");
	pool->limits.max = number(p, "max");
	pool->proved = truth(p, "proved");
	pool->cut = truth(p, "cut");
	pool->wind_down_ms = number(p, "wind_down");
	pool->occasion = occasion_of(p);
}

static int read_pool(const json_t *p, struct operations *ops, const struct tables *tables, struct err *err)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	struct known known = {.board = false};
	const json_t *w;
	size_t i;

	if (pool == NULL)
		return err_set(err, "no memory for a pool");
	*pool = (struct pool){
		.event = ops->fleet->event,
		.by_pid = &ops->fleet->by_pid,
		.dead = ops->fleet->dead,
		.board = {.fd = -1},
		.targets = -1,
		.stand_in = read_service(p),
		.ring = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	pool->service = pool->stand_in;
	pool->totals = pool->stand_in != NULL ? read_totals(p, ops) : NULL;
	DL_APPEND(ops->fleet->retiring, pool);
	if (pool->totals == NULL || pool->ring < 0)
		return err_set(err, "no memory for a pool");
	read_state(p, pool);
	read_own_names(json_object_get(p, "own"), &pool->own);
	if (json_object_get(p, "targets") != NULL) {
		pool->targets = read_fd(json_object_get(p, "targets"));
		pool_targets_read(json_object_get(p, "targets"), &pool->stand_in->upstreams);
	}
	if (pool->service->program.runs && program_notify_adopt(pool, read_fd(json_object_get(p, "program")),
								text(json_object_get(p, "program"), "name"), err) < 0)
		return -1;
	if (read_listeners(json_object_get(p, "listeners"), pool, err) < 0 ||
	    read_board(json_object_get(p, "board"), pool, &known.board, err) < 0 ||
	    find_table(p, tables, pool, &known.sources, err) < 0)
		return -1;
	json_array_foreach (json_object_get(p, "workers"), i, w)
		if (read_worker(w, ops, pool, &known, err) < 0)
			return -1;
	if (truth(p, "programs"))
		ops->fleet->has_programs = true;
	return 0;
}

static int read_jobs(const json_t *j, struct jobs *jobs, struct err *err)
{
	const json_t *entry;
	size_t i;

	jobs->last = (unsigned)number(j, "last");
	json_array_foreach (json_object_get(j, "list"), i, entry) {
		struct job job = {
			.number = (unsigned)number(entry, "number"),
			.done = truth(entry, "done"),
			.success = truth(entry, "success"),
		};

		if (json_is_array(json_object_get(entry, "reasons")))
			job.reasons = json_object_get(entry, "reasons");
		(void)snprintf(job.text, sizeof(job.text), "%s", text(entry, "text"));
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
		struct member *member = member_get(&fleet->members, text(m, "name"));

		if (member == NULL)
			return err_set(err, "no memory for a service");
		member->paused = truth(m, "paused");
		member->resized.is_set = truth(m, "resized");
		member->resized.min = number(m, "min");
		member->resized.max = number(m, "max");
	}
	return 0;
}

static int read_waiting(const json_t *list, struct operations *ops, struct err *err)
{
	static const struct operation_kind *const kinds[] = {&reload_kind, &restart_kind, &resize_kind};
	const json_t *w;
	size_t i;

	json_array_foreach (list, i, w)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			struct member *member = member_find(ops->fleet->members, text(w, "service"));

			if (strcmp(kinds[k]->name, text(w, "order")) == 0 &&
			    operation_wait(ops, kinds[k], member, (unsigned)number(w, "job"), number(w, "min"),
					   number(w, "max")) < 0)
				return err_set(err, "no memory for an order");
		}
	return 0;
}

/* The drain goes on; the flag is the fleet's already. */
static int read_drain(unsigned job, struct operations *ops, struct err *err)
{
	if (job == 0 || operation_run(ops, &drain_kind, NULL, job) != NULL)
		return 0;
	return err_set(err, "no memory for a drain");
}

static int read_control(const json_t *c, struct operations *ops, struct err *err)
{
	struct listen_path mark = {.dev = (dev_t)number(c, "dev"), .ino = (ino_t)number(c, "ino")};
	int fd = c != NULL ? read_fd(c) : -1;

	if (fd < 0)
		return 0;
	ops->control = control_socket_new(ops->fleet->event, err);
	if (ops->control == NULL)
		return -1;
	control_socket_adopt(ops->control, fd, text(c, "path"), &mark);
	return 0;
}

int handover_restore(struct operations *ops, const json_t *handover, struct err *err)
{
	struct tables tables;
	const json_t *p;
	size_t i;
	int rc;

	ops->fleet->generation->number = (unsigned)number(handover, "generation") + 1;
	ops->fleet->started_ms = number(handover, "started");
	ops->fleet->drained = truth(handover, "drained");
	orphans_restore(json_object_get(handover, "before_us"));
	if (read_jobs(json_object_get(handover, "jobs"), &ops->jobs, err) < 0 ||
	    read_members(json_object_get(handover, "members"), ops->fleet, err) < 0 ||
	    read_waiting(json_object_get(handover, "waiting"), ops, err) < 0 ||
	    read_drain((unsigned)number(handover, "drain_job"), ops, err) < 0)
		return -1;
	rc = read_tables(json_object_get(handover, "sources"), &tables, err);
	for (i = 0; rc == 0 && (p = json_array_get(json_object_get(handover, "pools"), i)) != NULL; i++)
		rc = read_pool(p, ops, &tables, err);
	tables_clear(&tables);
	if (rc < 0)
		return -1;
	return read_control(json_object_get(handover, "control"), ops, err);
}
