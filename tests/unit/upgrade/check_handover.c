/* SPDX-License-Identifier: MIT */
/* The state of a made-up master is handed over and restored. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/err.h"
#include "base/log.h"
#include "change/drain.h"
#include "change/launch.h"
#include "change/operation.h"
#include "change/reload.h"
#include "change/resize.h"
#include "config/config.h"
#include "listeners/listener.h"
#include "pool/pool_leave.h"
#include "pool/pool_look.h"
#include "pool/pool_new.h"
#include "upgrade/handover.h"

#include "../suite.h"

enum { JOB = 5, WORKER = 5000001, LATE_WORKER = 5000002 }; /* no process has such a number (proc(5), pid_max) */

static char name[] = "echo", device[] = "lo";
static struct config_service service = {
	.name = name,
	.backlog = 64,
	.timeouts = {.drain = 1500},
	.workers = {.min = 1, .max = 4},
	.access = {.sources = 256},
	.socket = {.device = device,
		   .keepalive = 7000,
		   .rcvbuf = 65536,
		   .nodelay = true,
		   .mode = 0640,
		   .owner = 12,
		   .group = 13},
};
static struct config config = {.services = &service, .n_services = 1};
static struct launch launch = {.foreground = false};
/* static, so that all of them are reachable until the end */
static struct generation generation = {.config = &config, .number = 3, .refs = 100};
static struct generation next_generation = {.config = &config, .number = 1, .refs = 100};
static struct fleet fleet_before = {.generation = &generation, .dead = -1};
static struct fleet fleet_after = {.generation = &next_generation, .dead = -1};
static struct operations before = {.fleet = &fleet_before, .launch = &launch};
static struct operations after = {.fleet = &fleet_after, .launch = &launch};
static struct pool *pools[1];
static json_t *handover, *read_again;
static struct err err;

static void make_listener(struct listener *listener)
{
	*listener = (struct listener){
		.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
		.listening = true,
		.backlog = 64,
		.quiesced_ms = 77,
		.path = {.dev = 5, .ino = 6},
		.key = {.v6only = true},
	};
	listener->key.asked.len = sizeof(listener->key.asked.in);
	listener->key.asked.in.sin_family = AF_INET;
	listener->key.asked.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener->fd, &listener->key.asked.sa, listener->key.asked.len), 0);
	ck_assert_int_eq(listen(listener->fd, 64), 0);
	listener->addr.len = sizeof(listener->addr.ss);
	ck_assert_int_eq(getsockname(listener->fd, &listener->addr.sa, &listener->addr.len), 0);
	(void)addr_format(&listener->addr, listener->text, sizeof(listener->text));
}

static void add_worker(struct pool *pool, pid_t pid, bool leaving)
{
	struct proc *proc = calloc(1, sizeof(*proc));
	int slot = board_slot_take(&pool->board, 1), seat = sources_seat_take(pool->sources);

	ck_assert(proc != NULL && slot >= 0 && seat >= 0);
	*proc = (struct proc){.pid = pid,
			      .pool = pool,
			      .board = &pool->board,
			      .slot = (size_t)slot,
			      .seat = seat,
			      .started_ms = 11,
			      .ready = true,
			      .believed = true,
			      .leaving = leaving,
			      .retire_ms = leaving ? 12 : 0,
			      .kill_ms = leaving ? 13 : 0};
	atomic_store(&proc_slot(proc)->state, SLOT_IDLE);
	atomic_store(&proc_slot(proc)->accepted, 100);
	DL_APPEND(pool->procs, proc);
	pool->n_procs++;
}

/* A drain that goes on, orders that wait, and what the service was ordered. */
static void give_orders(void)
{
	struct member *member = member_get(&fleet_before.members, name);

	ck_assert_ptr_nonnull(member);
	member->paused = true;
	member->resized.is_set = true;
	member->resized.min = 1;
	member->resized.max = 3;
	ck_assert_ptr_nonnull(operation_run(&before, &drain_kind, NULL, 2));
	ck_assert_int_eq(operation_wait(&before, &reload_kind, NULL, 4, 0, 0), 0);
	ck_assert_int_eq(operation_wait(&before, &resize_kind, member, JOB, 2, 9), 0);
}

static void setup(void)
{
	struct pool_parts parts = {
		.generation = &generation,
		.service = &service,
		.by_pid = &fleet_before.by_pid,
		.dead = -1,
		.listeners = calloc(1, sizeof(struct listener)),
		.n_listeners = 1,
	};

	log_set_level(LOG_EMERG);
	make_listener(parts.listeners);
	pools[0] = pool_new(&parts, &err);
	ck_assert_ptr_nonnull(pools[0]);
	pools[0]->state = POOL_SERVING;
	pools[0]->paused = true;
	pools[0]->proved = true;
	pools[0]->cut = true;
	pools[0]->wind_down_ms = 21;
	pools[0]->occasion = "restart";
	pools[0]->limits.max = 3;
	pools[0]->totals->gone = (struct counts){.accepted = 1,
						 .failed = 2,
						 .bytes_in = INT64_MAX,
						 .bytes_out = 4,
						 .crashes = 5,
						 .probes = 6,
						 .refused = {[REFUSED_DENIED] = 7, [REFUSALS - 1] = 8}};
	(void)snprintf(pools[0]->own.name[0], OWN_NAME_MAX, "hits");
	totals_own_add(pools[0]->totals, "fd", 9, &pools[0]->own); /* the name must not make it a descriptor */
	add_worker(pools[0], WORKER, false);
	add_worker(pools[0], LATE_WORKER, true);
	fleet_before.pools = pools;
	fleet_before.n_pools = 1;
	fleet_before.started_ms = 1234;
	fleet_before.drained = true;
	for (unsigned i = 0; i < JOB; i++)
		(void)jobs_new(&before.jobs);
	give_orders();
	jobs_done(&before.jobs, 1, false, "no", json_pack("[s, s]", "one", "two"));
	jobs_done(&before.jobs, 3, true, "yes", NULL);
	handover = handover_collect(&before, JOB);
	ck_assert_ptr_nonnull(handover);
}

/* Through the memfd. NULL: it is refused. */
static json_t *pass(const json_t *what)
{
	int fd = handover_write(what, &err);

	ck_assert_int_ge(fd, 3);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	err.text[0] = '\0';
	json_decref(read_again);
	read_again = handover_read(fd, getpid(), &err);
	(void)close(fd);
	return read_again;
}

static int restore(void)
{
	json_t *h = pass(handover);

	ck_assert_ptr_nonnull(h);
	err.text[0] = '\0';
	return handover_restore(&after, h, &err);
}

START_TEST(what_is_read_is_what_was_written)
{
	ck_assert(json_equal(pass(handover), handover));
	ck_assert_int_eq(json_integer_value(json_object_get(handover, "job")), JOB);
	ck_assert(json_is_true(json_object_get(handover, "background")));
}
END_TEST

START_TEST(the_master_comes_out)
{
	ck_assert_int_eq(restore(), 0);
	ck_assert_uint_eq(fleet_after.generation->number, 4);
	ck_assert_int_eq(fleet_after.started_ms, 1234);
	ck_assert(fleet_after.drained);
	ck_assert_uint_eq(operation_find(&after, ORDER_DRAIN)->job, 2);
	ck_assert_uint_eq(after.jobs.last, JOB);
	ck_assert_str_eq(jobs_find(&after.jobs, 1)->text, "no");
	ck_assert_uint_eq(json_array_size(jobs_find(&after.jobs, 1)->reasons), 2);
	ck_assert(jobs_find(&after.jobs, 3)->success);
	ck_assert_ptr_null(jobs_find(&after.jobs, 3)->reasons);
	ck_assert(!jobs_find(&after.jobs, JOB)->done);
}
END_TEST

START_TEST(orders_that_wait_come_out)
{
	const struct operation *reload, *resize;

	ck_assert_int_eq(restore(), 0);
	reload = after.waiting;
	ck_assert_ptr_eq(reload->kind, &reload_kind);
	ck_assert_uint_eq(reload->job, 4);
	ck_assert_ptr_null(reload->member);
	resize = reload->next;
	ck_assert_ptr_eq(resize->kind, &resize_kind);
	ck_assert_str_eq(resize->member->name, "echo");
	ck_assert(resize->min == 2 && resize->max == 9 && resize->job == JOB);
	ck_assert_ptr_null(resize->next);
}
END_TEST

START_TEST(what_a_service_was_ordered_comes_out)
{
	const struct member *member;

	ck_assert_int_eq(restore(), 0);
	member = member_find(fleet_after.members, "echo");
	ck_assert(member->paused && member->resized.is_set && member->resized.min == 1 && member->resized.max == 3);
	ck_assert_ptr_null(member->now);
}
END_TEST

START_TEST(the_pool_comes_out)
{
	const struct listener *l, *was = &pools[0]->listeners[0];
	const struct pool *p;

	ck_assert_int_eq(restore(), 0);
	p = fleet_after.retiring;
	ck_assert_ptr_null(p->next);
	ck_assert_str_eq(p->service->name, "echo");
	ck_assert_int_eq(p->service->timeouts.drain, 1500);
	ck_assert_str_eq(p->service->socket.device, "lo");
	ck_assert_int_eq(p->service->socket.keepalive, 7000);
	ck_assert_uint_eq(p->service->socket.owner, 12);
	ck_assert(p->state == POOL_SUPERSEDED && p->proved);
	ck_assert_int_eq(p->limits.max, 3);
	ck_assert(p->cut && p->wind_down_ms == 21);
	ck_assert_str_eq(p->occasion, "restart");
	ck_assert_str_eq(p->own.name[0], "hits");
	ck_assert_uint_eq(totals_own(p->totals, "fd"), 9);
	ck_assert_int_eq(p->service->backlog, 64);
	ck_assert_uint_eq(p->totals->gone.bytes_in, INT64_MAX);
	ck_assert_uint_eq(p->totals->gone.crashes, 5);
	ck_assert_uint_eq(p->totals->gone.probes, 6);
	ck_assert_uint_eq(p->totals->gone.refused[REFUSED_DENIED], 7);
	ck_assert_uint_eq(p->totals->gone.refused[REFUSALS - 1], 8);
	ck_assert_uint_eq(totals_refused(&p->totals->gone), 15);
	l = &p->listeners[0];
	ck_assert_int_eq(l->fd, was->fd);
	ck_assert(addr_equal(&l->key.asked, &was->key.asked) && addr_equal(&l->addr, &was->addr));
	ck_assert_str_eq(l->text, was->text);
	ck_assert(l->listening && !l->inherited && !l->refusing && l->key.v6only && !l->key.dual);
	ck_assert_int_eq(l->quiesced_ms, 77);
	ck_assert_uint_eq(l->path.ino, 6);
	ck_assert_int_eq(fcntl(l->fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(the_workers_come_out)
{
	const struct proc *proc;
	pid_t pid = WORKER;

	ck_assert_int_eq(restore(), 0);
	ck_assert_uint_eq(fleet_after.retiring->n_procs, 2);
	HASH_FIND(by_pid, fleet_after.by_pid, &pid, sizeof(pid), proc);
	ck_assert_ptr_nonnull(proc);
	ck_assert(proc->ready && proc->believed && !proc->leaving && proc->started_ms == 11 && proc->kill_ms == 0);
	ck_assert_uint_eq(proc_slot(proc)->accepted, 100);
	/* both images look at the same memory */
	atomic_store(&pools[0]->board.slots[proc->slot].accepted, 101);
	ck_assert_uint_eq(proc_slot(proc)->accepted, 101);
	pid = LATE_WORKER;
	HASH_FIND(by_pid, fleet_after.by_pid, &pid, sizeof(pid), proc);
	ck_assert(proc->leaving && proc->retire_ms == 12 && proc->kill_ms == 13);
}
END_TEST

static json_t *at(const char *key)
{
	json_t *pool = json_array_get(json_object_get(handover, "pools"), 0);

	return key != NULL ? json_object_get(pool, key) : pool;
}

START_TEST(workers_with_a_board_of_another_layout_are_busy)
{
	const struct proc *proc;

	(void)json_object_set_new(at("board"), "version", json_integer(board_version() + 1));
	ck_assert_int_eq(restore(), 0);
	ck_assert_uint_eq(fleet_after.retiring->n_procs, 2);
	DL_FOREACH (fleet_after.retiring->procs, proc) {
		ck_assert_int_eq(proc_state(proc), SLOT_BUSY);
		ck_assert_uint_eq(proc_slot(proc)->has_heard, 1);
		ck_assert_uint_eq(proc_slot(proc)->accepted, 0);
	}
	ck_assert_ptr_ne(fleet_after.retiring->board.head, pools[0]->board.head);
}
END_TEST

/* ---- the table of sources ---- */

START_TEST(the_table_of_sources_comes_out)
{
	struct sources *was = pools[0]->sources;
	const struct proc *proc = pools[0]->procs;
	struct sources_taken taken;
	struct sources *is;

	ck_assert(sources_sit(was, (size_t)proc->seat, 77, 1, 0, &taken));
	ck_assert_int_eq(restore(), 0);
	is = fleet_after.retiring->sources;
	ck_assert_int_eq(is->fd, was->fd);
	ck_assert_uint_eq(is->n_records, 256);
	ck_assert_uint_eq(is->refs, 1);
	ck_assert_uint_eq(sources_taken(is, 77).same, 1);
	DL_FOREACH (fleet_after.retiring->procs, proc)
		ck_assert(is->seat_used[proc->seat]);
	/* both look at the same memory, and a seat is freed as its worker goes */
	proc = fleet_after.retiring->procs;
	ck_assert_uint_eq((unsigned)proc->seat, (unsigned)pools[0]->procs->seat);
	pool_worker_gone(fleet_after.retiring, fleet_after.retiring->procs, 0);
	ck_assert_uint_eq(sources_taken(was, 77).same, 0);
}
END_TEST

/* Two generations of a service have the same, and so they have afterwards. */
START_TEST(generations_share_their_table)
{
	json_t *list = json_object_get(handover, "pools"), *second = json_deep_copy(at(NULL));

	(void)json_array_clear(json_object_get(second, "workers"));
	(void)json_object_set_new(json_object_get(second, "board"), "version", json_integer(0));
	(void)json_object_set_new(json_object_get(second, "board"), "fd", json_integer(-1));
	(void)json_object_set_new(json_array_get(json_object_get(second, "listeners"), 0), "fd", json_integer(-1));
	(void)json_array_append_new(list, second);
	ck_assert_uint_eq(json_array_size(json_object_get(handover, "sources")), 1);
	ck_assert_int_eq(restore(), 0);
	ck_assert_ptr_eq(fleet_after.retiring->sources, fleet_after.retiring->next->sources);
	ck_assert_uint_eq(fleet_after.retiring->sources->refs, 2);
}
END_TEST

static void expect_new_table(void)
{
	const struct proc *proc;

	ck_assert_int_eq(restore(), 0);
	ck_assert_ptr_nonnull(fleet_after.retiring->sources);
	ck_assert_uint_eq(fleet_after.retiring->n_procs, 2);
	DL_FOREACH (fleet_after.retiring->procs, proc)
		ck_assert_int_eq(proc->seat, -1);
	pool_worker_gone(fleet_after.retiring, fleet_after.retiring->procs, 0);
}

START_TEST(a_table_of_another_layout_is_replaced)
{
	json_t *table = json_array_get(json_object_get(handover, "sources"), 0);

	(void)json_object_set_new(table, "version", json_integer(sources_version() + 1));
	expect_new_table();
	ck_assert_uint_eq(fleet_after.retiring->sources->n_records, 256);
}
END_TEST

START_TEST(a_table_of_another_size_is_replaced)
{
	json_t *table = json_array_get(json_object_get(handover, "sources"), 0);

	(void)json_object_set_new(table, "records", json_integer(512));
	expect_new_table();
}
END_TEST

START_TEST(a_table_that_is_not_there_is_replaced)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 500); /* beyond all that is opened meanwhile */

	(void)close(fd);
	(void)json_object_set_new(json_array_get(json_object_get(handover, "sources"), 0), "fd", json_integer(fd));
	(void)json_object_set_new(at(NULL), "sources", json_integer(fd));
	expect_new_table();
}
END_TEST

START_TEST(two_workers_in_one_seat)
{
	json_t *workers = at("workers");

	(void)json_object_set(json_array_get(workers, 1), "seat", json_object_get(json_array_get(workers, 0), "seat"));
	ck_assert_int_eq(restore(), 0); /* it costs but the second's count */
	ck_assert_int_eq(fleet_after.retiring->procs->seat, 0);
	ck_assert_int_eq(fleet_after.retiring->procs->next->seat, -1);
}
END_TEST

START_TEST(of_another_format)
{
	(void)json_object_set_new(handover, "format", json_integer(HANDOVER_FORMAT + 1));
	ck_assert_ptr_null(pass(handover));
	ck_assert_ptr_nonnull(strstr(err.text, "format"));
	(void)json_object_del(handover, "format");
	ck_assert_ptr_null(pass(handover));
}
END_TEST

START_TEST(for_another_process)
{
	(void)json_object_set_new(handover, "pid", json_integer(getpid() + 1));
	ck_assert_ptr_null(pass(handover));
	ck_assert_ptr_nonnull(strstr(err.text, "another process"));
}
END_TEST

START_TEST(of_which_the_end_is_missing)
{
	int fd = handover_write(handover, &err);
	off_t size = lseek(fd, 0, SEEK_END);

	for (off_t len = 0; len < size; len += 1 + size / 100) {
		ck_assert_int_eq(ftruncate(fd, len), 0);
		ck_assert_ptr_null(handover_read(fd, getpid(), &err));
		ck_assert_int_eq(ftruncate(fd, size), 0); /* zeros from here on */
		ck_assert_ptr_null(handover_read(fd, getpid(), &err));
	}
	ck_assert_ptr_null(handover_read(-1, getpid(), &err));
}
END_TEST

START_TEST(descriptors_survive_or_do_not)
{
	int fds[] = {pools[0]->listeners[0].fd, pools[0]->board.fd, pools[0]->sources->fd};

	handover_keep(handover, true);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), 0);
	handover_keep(handover, false);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(no_memory_for_one)
{
	ck_assert_int_eq(handover_write(NULL, &err), -1);
}
END_TEST

/* ---- hostile values: any answer, but no crash ---- */

static json_t *hostile(int i)
{
	switch (i) {
	case 0:
		return json_null();
	case 1:
		return json_integer(-1);
	case 2:
		return json_integer(INT64_MAX);
	case 3:
		return json_integer(INT64_MIN / 2); /* a time is subtracted from */
	case 4:
		return json_string("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
	case 5:
		return json_pack("[{}, n, [], i]", 1);
	case 6:
		return json_object();
	default:
		return NULL;
	}
}

static void try_it(void)
{
	struct pool *pool;
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) { /* it may close whatever it likes */
		if (handover_restore(&after, handover, &err) == 0)
			DL_FOREACH (fleet_after.retiring, pool)
				pool_look_after(pool, true);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "ended with %x", (unsigned)status);
}

static void spoil_all(json_t *in);

static void spoil_item(json_t *in, const char *key, size_t index)
{
	json_t *value = json_incref(key != NULL ? json_object_get(in, key) : json_array_get(in, index)), *bad;

	for (int i = 0; (bad = hostile(i)) != NULL; i++) {
		if (key != NULL)
			(void)json_object_set_new_nocheck(in, key, bad);
		else
			(void)json_array_set_new(in, index, bad);
		try_it();
	}
	if (key != NULL)
		(void)json_object_set_new_nocheck(in, key, value);
	else
		(void)json_array_set_new(in, index, value);
	spoil_all(value);
}

static void spoil_all(json_t *in)
{
	const char *keys[64], *key;
	json_t *value;
	size_t n = 0;

	if (json_is_array(in))
		for (size_t i = 0; i < json_array_size(in); i++)
			spoil_item(in, NULL, i);
	if (!json_is_object(in))
		return;
	json_object_foreach (in, key, value)
		keys[n++] = key;
	for (size_t i = 0; i < n; i++)
		spoil_item(in, keys[i], 0);
}

START_TEST(hostile_values)
{
	spoil_all(handover);
	ck_assert_int_eq(restore(), 0);
}
END_TEST

START_TEST(two_workers_in_one_slot)
{
	json_t *workers = at("workers");

	(void)json_object_set(json_array_get(workers, 1), "slot", json_object_get(json_array_get(workers, 0), "slot"));
	ck_assert_int_eq(restore(), -1);
	ck_assert_str_ne(err.text, "");
}
END_TEST

START_TEST(a_listener_that_is_not_there)
{
	json_t *listener = json_array_get(at("listeners"), 0);
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 500); /* beyond all that is opened meanwhile */

	(void)close(fd);
	(void)json_object_set_new(listener, "fd", json_integer(fd));
	ck_assert_int_eq(restore(), -1);
	ck_assert_str_ne(err.text, "");
}
END_TEST

int main(void)
{
	return SUITE_RUN("handover", setup, what_is_read_is_what_was_written, the_master_comes_out,
			 orders_that_wait_come_out, what_a_service_was_ordered_comes_out, the_pool_comes_out,
			 the_workers_come_out, workers_with_a_board_of_another_layout_are_busy,
			 the_table_of_sources_comes_out, generations_share_their_table,
			 a_table_of_another_layout_is_replaced, a_table_of_another_size_is_replaced,
			 a_table_that_is_not_there_is_replaced, two_workers_in_one_seat, of_another_format,
			 for_another_process, of_which_the_end_is_missing, descriptors_survive_or_do_not,
			 no_memory_for_one, hostile_values, two_workers_in_one_slot, a_listener_that_is_not_there);
}
