/* SPDX-License-Identifier: MIT */
/* A made-up fleet with its orders, handed over to another one: for the tests of the handover. */
#ifndef PREFORKD_TESTS_HANDOVER_CASE_H
#define PREFORKD_TESTS_HANDOVER_CASE_H

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

static json_t *at(const char *key)
{
	json_t *pool = json_array_get(json_object_get(handover, "pools"), 0);

	return key != NULL ? json_object_get(pool, key) : pool;
}

#endif
