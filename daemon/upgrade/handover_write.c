/* SPDX-License-Identifier: MIT */
#include "upgrade/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utlist.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/json_text.h"
#include "change/launch.h"
#include "change/operation.h"
#include "config/config.h"
#include "fleet/orphans.h"
#include "listeners/control_socket.h"
#include "pool/pool_targets.h"
#include "pool/program.h"
#include "pool/program_notify.h"

#define SIZE_MAX_READ (256L << 20)

/* ---- collecting ---- */

static json_t *hex(const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *byte = data;
	char text[2 * sizeof(struct sockaddr_storage) + 1];

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[byte[i] >> 4];
		text[2 * i + 1] = digits[byte[i] & 15];
	}
	text[2 * len] = '\0';
	return json_string(text);
}

static json_t *address(const struct sockaddr_any *addr)
{
	return hex(&addr->ss, addr->len);
}

static json_t *listener(const struct listener *l)
{
	return json_pack("{s:i, s:o, s:b, s:b, s:b, s:s, s:o, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:b, s:b, s:s}", "fd",
			 l->fd, "asked", address(&l->key.asked), "dual", l->key.dual, "datagram", l->key.datagram,
			 "v6only", l->key.v6only, "name", l->key.name, "addr", address(&l->addr), "inherited",
			 l->inherited, "listening", l->listening, "refusing", l->refusing, "dev",
			 (json_int_t)l->path.dev, "ino", (json_int_t)l->path.ino, "backlog", (json_int_t)l->backlog,
			 "quiesced", (json_int_t)l->quiesced_ms, "for_good", l->for_good, "reuse_port", l->reuse_port,
			 "stored", l->stored);
}

static json_t *program(const struct proc *p)
{
	return json_pack("{s:i, s:b, s:I, s:I, s:o}", "fd", p->program->output->fd, "believed", p->believed, "alive",
			 (json_int_t)p->program->alive_ms, "abort", (json_int_t)p->program->abort_ms, "status",
			 json_text(p->program->status));
}

static json_t *worker(const struct proc *p)
{
	json_t *out = json_pack("{s:i, s:I, s:I, s:i, s:I, s:b, s:b, s:I, s:I}", "pid", (int)p->pid, "lane",
				(json_int_t)p->lane, "slot", (json_int_t)p->slot, "seat", p->seat, "started",
				(json_int_t)p->started_ms, "ready", p->ready, "leaving", p->leaving, "told",
				(json_int_t)p->retire_ms, "kill", (json_int_t)p->kill_ms);

	if (p->program != NULL)
		(void)json_object_set_new(out, "program", program(p));
	return out;
}

static json_t *options(const struct socket_options *o)
{
	return json_pack("{s:b, s:I, s:I, s:b, s:b, s:I, s:I, s:I, s:b, s:s?, s:i, s:I, s:I}", "nodelay", o->nodelay,
			 "keepalive", (json_int_t)o->keepalive, "defer_accept", (json_int_t)o->defer_accept,
			 "reuse_port", o->reuse_port, "v6only", o->v6only, "rcvbuf", (json_int_t)o->rcvbuf, "sndbuf",
			 (json_int_t)o->sndbuf, "user_timeout", (json_int_t)o->user_timeout, "freebind", o->freebind,
			 "device", o->device, "mode", (int)o->mode, "owner", (json_int_t)o->owner, "group",
			 (json_int_t)o->group);
}

static json_t *own_names(const struct own_names *own)
{
	json_t *list = json_array();

	for (size_t i = 0; i < BOARD_COUNTERS && own->name[i][0] != '\0'; i++)
		(void)json_array_append_new(list, json_string(own->name[i]));
	return list;
}

static json_t *own_counts(const struct totals *t)
{
	json_t *list = json_object();

	for (size_t i = 0; i < TOTALS_OWN; i++)
		if (t->own[i].name[0] != '\0')
			(void)json_object_set_new(list, t->own[i].name, json_integer((json_int_t)t->own[i].n));
	return list;
}

static json_t *totals(const struct totals *t)
{
	json_t *refused = json_object(); /* by name: the next image may know more of them */

	for (enum refusal r = REFUSED_NOT + 1; r < REFUSALS; r++)
		(void)json_object_set_new(refused, refusal_name(r), json_integer((json_int_t)t->gone.refused[r]));
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "accepted", (json_int_t)t->gone.accepted, "failed",
			 (json_int_t)t->gone.failed, "in", (json_int_t)t->gone.bytes_in, "out",
			 (json_int_t)t->gone.bytes_out, "crashes", (json_int_t)t->gone.crashes, "probes",
			 (json_int_t)t->gone.probes, "refused", refused, "own", own_counts(t));
}

static json_t *programs(const struct pool *p)
{
	const struct config_program *program = &p->service->program;

	return json_pack("{s:i, s:s, s:b, s:I, s:i, s:I}", "fd", p->notify->fd, "name", p->notify->name, "notify",
			 program->notify, "watchdog", (json_int_t)program->watchdog, "stop_signal",
			 program->stop_signal, "start", (json_int_t)p->service->timeouts.start);
}

static json_t *pool(const struct pool *p)
{
	json_t *listeners = json_array(), *workers = json_array();
	const struct config_service *s = p->service;
	const struct proc *proc;
	json_t *out;

	for (size_t i = 0; i < p->n_lanes; i++)
		(void)json_array_append_new(listeners, listener(&p->listeners[i]));
	DL_FOREACH (p->procs, proc)
		(void)json_array_append_new(workers, worker(proc));
	out = json_pack("{s:s, s:s, s:b, s:b, s:I, s:s?, s:I, s:I, s:I, s:I, s:b, s:{s:i, s:I, s:I, s:I}, "
			"s:i, s:o, s:o, s:o, s:o, s:o}",
			"name", s->name, "state", pool_state_name(p->state), "proved", p->proved, "cut", p->cut,
			"wind_down", (json_int_t)p->wind_down_ms, "occasion", p->occasion, "drain",
			(json_int_t)s->timeouts.drain, "backlog", (json_int_t)s->backlog, "min",
			(json_int_t)p->limits.min, "max", (json_int_t)p->limits.max, "programs", s->command != NULL,
			"board", "fd", p->board.fd, "lanes", (json_int_t)p->board.n_lanes, "slots",
			(json_int_t)p->board.n_slots, "version", (json_int_t)board_version(), "sources", p->sources->fd,
			"options", options(&s->socket), "tally", totals(p->totals), "listeners", listeners, "workers",
			workers, "own", own_names(&p->own));
	if (s->program.runs)
		(void)json_object_set_new(out, "program", programs(p));
	if (p->targets >= 0)
		(void)json_object_set_new(out, "targets", pool_targets_write(p));
	return out;
}

/* Once each: several generations of a service have the same. */
static void add_sources(json_t *list, const struct sources *s)
{
	const json_t *other;
	size_t i;

	json_array_foreach (list, i, other)
		if (json_integer_value(json_object_get(other, "fd")) == s->fd)
			return;
	(void)json_array_append_new(list, json_pack("{s:i, s:I, s:I}", "fd", s->fd, "records", (json_int_t)s->n_records,
						    "version", (json_int_t)sources_version()));
}

static void add_job(json_t *list, const struct job *job)
{
	(void)json_array_append_new(list, json_pack("{s:I, s:b, s:b, s:o, s:O?}", "number", (json_int_t)job->number,
						    "done", job->done, "success", job->success, "text",
						    json_text(job->text), "reasons", job->reasons));
}

static json_t *jobs(const struct jobs *j)
{
	json_t *list = json_array();
	const struct job *job;

	LL_FOREACH (j->open, job)
		add_job(list, job);
	for (size_t i = 0; i < JOBS_KEPT; i++) /* the oldest first */
		if (j->done[(j->n_done + i) % JOBS_KEPT].number != 0)
			add_job(list, &j->done[(j->n_done + i) % JOBS_KEPT]);
	return json_pack("{s:I, s:o}", "last", (json_int_t)j->last, "list", list);
}

/* Orders that wait: the new image carries them out. */
static json_t *waiting(const struct operations *ops)
{
	json_t *list = json_array();
	const struct operation *op;

	DL_FOREACH (ops->waiting, op)
		(void)json_array_append_new(list, json_pack("{s:s, s:I, s:s?, s:I, s:I}", "order", op->kind->name,
							    "job", (json_int_t)op->job, "service",
							    op->member != NULL ? op->member->name : NULL, "min",
							    (json_int_t)op->min, "max", (json_int_t)op->max));
	return list;
}

/* What services were ordered. */
static json_t *members(const struct fleet *fleet)
{
	json_t *list = json_array();
	const struct member *member, *next;

	HASH_ITER (hh, (struct member *)fleet->members, member, next)
		(void)json_array_append_new(list, json_pack("{s:s, s:b, s:b, s:I, s:I}", "name", member->name, "paused",
							    member->paused, "resized", member->resized.is_set, "min",
							    (json_int_t)member->resized.min, "max",
							    (json_int_t)member->resized.max));
	return list;
}

static json_t *control(const struct operations *ops)
{
	struct listen_path mark;
	const char *path;
	int fd = control_socket_fd(ops->control, &path, &mark);

	if (fd < 0)
		return NULL;
	return json_pack("{s:i, s:s, s:I, s:I}", "fd", fd, "path", path, "dev", (json_int_t)mark.dev, "ino",
			 (json_int_t)mark.ino);
}

json_t *handover_collect(const struct operations *ops, unsigned job)
{
	json_t *pools = json_array(), *sources = json_array();
	const struct operation *drain = operation_find(ops, ORDER_DRAIN);
	struct fleet_cursor at = {0};
	const struct pool *one;

	while ((one = fleet_next(ops->fleet, &at)) != NULL) {
		(void)json_array_append_new(pools, pool(one));
		add_sources(sources, one->sources);
	}
	return json_pack("{s:i, s:i, s:I, s:s, s:I, s:I, s:b, s:b, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o*}", "format",
			 HANDOVER_FORMAT, "pid", (int)getpid(), "job", (json_int_t)job, "version", PACKAGE_VERSION,
			 "generation", (json_int_t)ops->fleet->generation->number, "started",
			 (json_int_t)ops->fleet->started_ms, "background", !ops->launch->foreground, "drained",
			 ops->fleet->drained, "drain_job", drain != NULL ? (json_int_t)drain->job : 0, "before_us",
			 orphans_before_us(), "pools", pools, "sources", sources, "jobs", jobs(&ops->jobs), "waiting",
			 waiting(ops), "members", members(ops->fleet), "control", control(ops));
}

/* ---- the memfd ---- */

static int write_all(const char *data, size_t len, void *fd)
{
	while (len > 0) {
		ssize_t n = write(*(int *)fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int handover_write(const json_t *handover, struct err *err)
{
	int fd;

	if (handover == NULL)
		return err_set(err, "no memory for a handover");
	fd = memfd_create("preforkd-handover", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot create a memfd");
	fd = fd_above_stdio(fd, err);
	if (fd < 0)
		return -1;
	if (json_dump_callback(handover, write_all, &fd, JSON_COMPACT) < 0) {
		(void)err_sys(err, "cannot write a handover");
		fd_close(&fd);
		return -1;
	}
	return fd;
}

json_t *handover_read(int fd, int master_pid, struct err *err)
{
	off_t size = lseek(fd, 0, SEEK_END);
	json_error_t error;
	json_t *handover = NULL;
	char *text;

	if (size < 0)
		return (void)err_sys(err, "cannot read what the program before left"), NULL;
	text = size < SIZE_MAX_READ ? malloc((size_t)size + 1) : NULL;
	if (text == NULL)
		return (void)err_set(err, "no memory for what the program before left"), NULL;
	if (pread(fd, text, (size_t)size, 0) == size)
		handover = json_loadb(text, (size_t)size, 0, &error);
	free(text);
	if (handover == NULL) {
		(void)err_set(err, "what the program before left is not readable");
	} else if (json_integer_value(json_object_get(handover, "format")) != HANDOVER_FORMAT) {
		(void)err_set(err, "the program before hands over in format %d, this one takes %d",
			      (int)json_integer_value(json_object_get(handover, "format")), HANDOVER_FORMAT);
		json_decref(handover);
		handover = NULL;
	} else if (json_integer_value(json_object_get(handover, "pid")) != master_pid) {
		(void)err_set(err, "what the program before left is for another process");
		json_decref(handover);
		handover = NULL;
	}
	return handover;
}

static void keep_one(const json_t *holder, bool keep)
{
	int fd = (int)json_integer_value(json_object_get(holder, "fd"));

	if (json_is_integer(json_object_get(holder, "fd")) && fd >= 3)
		(void)fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

void handover_keep(const json_t *handover, bool keep)
{
	const json_t *p, *l;
	size_t i, k;

	keep_one(json_object_get(handover, "control"), keep);
	json_array_foreach (json_object_get(handover, "sources"), i, p)
		keep_one(p, keep);
	json_array_foreach (json_object_get(handover, "pools"), i, p) {
		keep_one(json_object_get(p, "board"), keep);
		keep_one(json_object_get(p, "targets"), keep);
		keep_one(json_object_get(p, "program"), keep);
		json_array_foreach (json_object_get(p, "workers"), k, l)
			keep_one(json_object_get(l, "program"), keep);
		json_array_foreach (json_object_get(p, "listeners"), k, l)
			keep_one(l, keep);
	}
}
