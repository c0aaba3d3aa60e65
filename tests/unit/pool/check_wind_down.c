/* SPDX-License-Identifier: MIT */
/* How a pool comes to rest: real listeners (unix sockets), workers that are made up, and the time passed in. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fds.h"
#include "base/log.h"
#include "net/addr.h"
#include "net/socket_options.h"
#include "pool/pool_leave.h"
#include "pool/wind_down.h"
#include "worker/contract.h"

#include "../made_up_pool.h"

enum { LANES = 2 };

#define HUNG_MS	  5000 /* for an idle worker to leave */
#define LET_GO_MS 1000 /* for a program to let go of its listener */

static char name[] = "web";
static struct config_service service;
static struct listener listeners[LANES];
static struct pool pool;
static struct proc *by_pid;
static struct err err;
static int64_t now;
static int lines[2];

/* An abstract name: nothing is left behind. */
static void open_listener(struct listener *listener, int number)
{
	static const struct socket_options options = {.mode = 0600, .owner = (uid_t)-1, .group = (gid_t)-1};
	struct sockaddr_any *addr = &listener->addr;
	int len;

	*listener = (struct listener){.listening = true};
	addr->un.sun_family = AF_UNIX;
	len = snprintf(addr->un.sun_path + 1, sizeof(addr->un.sun_path) - 1, "check_wind_down-%d-%d", (int)getpid(),
		       number);
	addr->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
	listener->key.asked = *addr;
	listener->fd = listen_bind(addr, SOCK_STREAM, false, &options, &listener->path, &err);
	ck_assert_msg(listener->fd >= 0, "%s", err.text);
	ck_assert_int_eq(listen_start(listener->fd, 16, &listener->backlog, &err), 0);
	(void)snprintf(listener->text, sizeof(listener->text), "listener %d", number);
}

static void set_up(void)
{
	service = (struct config_service){
		.name = name,
		.backlog = 16,
		.workers = {.min = 1, .max = 8},
		.timeouts = {.drain = 30000},
		.socket = {.mode = 0600, .owner = (uid_t)-1, .group = (gid_t)-1},
	};
	for (int i = 0; i < LANES; i++)
		open_listener(&listeners[i], i);
	made_up_pool(&pool, &service, listeners, LANES, &by_pid);
	now = clock_ms();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, lines), 0);
	ck_assert_int_ge(dup2(lines[1], STDERR_FILENO), 0);
	log_open(LOG_TO_STDERR, 0, true);
}

/* The text that was logged since the last call; "": nothing. */
static const char *logged(void)
{
	static char text[4096];
	size_t used = 0;
	ssize_t n;

	while ((n = recv(lines[0], text + used, sizeof(text) - 1 - used, MSG_DONTWAIT)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	return text;
}

/* -1 and errno: it does not get in. */
static int client_of(const struct listener *listener)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	if (connect(fd, &listener->key.asked.sa, listener->key.asked.len) < 0)
		fd_close(&fd);
	return fd;
}

/* As a worker would take one from the queue. */
static void serve_one(const struct listener *listener)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}

static void leave(struct proc *proc)
{
	atomic_store(&proc_slot(proc)->state, SLOT_LEAVING);
	pool_worker_gone(&pool, proc, 0, NULL);
}

START_TEST(an_empty_pool_ends_at_once)
{
	wind_down_begin(&pool, POOL_ENDING, "stop");
	ck_assert(wind_down_step(&pool, now));
	for (int i = 0; i < LANES; i++)
		ck_assert_int_eq(listeners[i].fd, -1);
	ck_assert_int_eq(client_of(&listeners[0]), -1);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(idle_workers_are_retired_and_waited_for)
{
	struct proc *proc = made_up_worker(&pool, 0, SLOT_IDLE);

	wind_down_begin(&pool, POOL_ENDING, "stop");
	ck_assert(!wind_down_step(&pool, now));
	ck_assert_uint_eq(made_up_killed(proc->pid, WORKER_SIGNAL_RETIRE), 1);
	ck_assert(!wind_down_step(&pool, now));
	ck_assert_uint_eq(made_up_n_kills, 1);
	leave(proc);
	ck_assert(wind_down_step(&pool, now));
}
END_TEST

START_TEST(clients_in_the_queue_are_served_first)
{
	struct proc *first = made_up_worker(&pool, 0, SLOT_IDLE), *second = made_up_worker(&pool, 1, SLOT_IDLE);
	int client = client_of(&listeners[0]);

	ck_assert_int_ge(client, 0);
	wind_down_begin(&pool, POOL_ENDING, "stop");
	ck_assert_int_eq(client_of(&listeners[0]), -1); /* nobody else gets in */
	for (int i = 0; i < 3; i++)
		ck_assert(!wind_down_step(&pool, now));
	ck_assert(wind_down_is_busy(&pool));
	ck_assert_int_ge(listeners[0].fd, 0);
	ck_assert(!first->leaving);
	ck_assert(second->leaving && listeners[1].fd < 0); /* the other queue was empty */
	serve_one(&listeners[0]);
	ck_assert(!wind_down_step(&pool, now));
	ck_assert(first->leaving && listeners[0].fd < 0);
	ck_assert(!wind_down_is_busy(&pool));
	leave(first);
	leave(second);
	ck_assert(wind_down_step(&pool, now));
	(void)close(client);
}
END_TEST

START_TEST(a_queue_that_nobody_will_serve_does_not_hold_it_up)
{
	int client = client_of(&listeners[0]); /* of another image's pool, whose workers have all gone */

	ck_assert_int_ge(client, 0);
	wind_down_begin(&pool, POOL_ENDING, "stop");
	ck_assert(wind_down_step(&pool, now));
	(void)close(client);
}
END_TEST

/* A client that is connected has until timeouts.drain, and not a millisecond less. */
static struct proc *keep_busy(const char *occasion)
{
	struct proc *proc = made_up_worker(&pool, 0, SLOT_BUSY);

	wind_down_begin(&pool, POOL_ENDING, occasion);
	pool.wind_down_ms = now;
	ck_assert(!wind_down_step(&pool, now));
	made_up_forget_kills();
	return proc;
}

START_TEST(clients_are_cut_when_their_time_is_over)
{
	struct proc *proc = keep_busy("reload");

	service.timeouts.drain = 1000; /* less than WORKER_CUT_GRACE_MS, which counts from now on the real clock */
	ck_assert(!wind_down_step(&pool, now + service.timeouts.drain - 1));
	ck_assert_uint_eq(made_up_n_kills, 0);
	ck_assert_str_eq(logged(), "");
	ck_assert(!wind_down_step(&pool, now + service.timeouts.drain));
	ck_assert_uint_eq(made_up_killed(proc->pid, WORKER_SIGNAL_CUT), 1);
	ck_assert(pool.cut);
	ck_assert_ptr_nonnull(strstr(logged(), "cut: still there 1s after the reload began (timeouts.drain)"));
	ck_assert(!wind_down_step(&pool, now + service.timeouts.drain + 1));
	ck_assert_uint_eq(made_up_n_kills, 1); /* once */
	/* it does not leave, and is killed */
	ck_assert(!wind_down_step(&pool, clock_ms() + WORKER_CUT_GRACE_MS));
	ck_assert_uint_eq(made_up_killed(proc->pid, SIGKILL), 1);
}
END_TEST

START_TEST(without_a_limit_nobody_is_cut)
{
	service.timeouts.drain = 0;
	(void)keep_busy("stop");
	ck_assert(!wind_down_step(&pool, now + INT64_C(100) * 24 * 3600 * 1000));
	ck_assert_uint_eq(made_up_n_kills, 0);
}
END_TEST

START_TEST(a_drained_pool_cuts_nobody_and_can_return)
{
	struct proc *proc = made_up_worker(&pool, 0, SLOT_BUSY);
	int client;

	wind_down_begin(&pool, POOL_DRAINING, "drain");
	ck_assert(wind_down_step(&pool, now));
	ck_assert_int_eq(pool.state, POOL_DRAINED);
	ck_assert(wind_down_step(&pool, now + 10 * service.timeouts.drain));
	ck_assert_uint_eq(made_up_killed(proc->pid, WORKER_SIGNAL_CUT), 0);
	ck_assert_int_ge(listeners[0].fd, 0);
	ck_assert_int_eq(client_of(&listeners[0]), -1);
	ck_assert_int_eq(wind_down_undo(&pool, &err), 0);
	ck_assert_int_eq(pool.state, POOL_SERVING);
	client = client_of(&listeners[0]);
	ck_assert_int_ge(client, 0);
	(void)close(client);
}
END_TEST

/* A new socket cannot have an abstract name as long as some process has the old one. */
START_TEST(an_abstract_name_comes_back_when_the_sockets_are_ours)
{
	ck_assert(wind_down_may_undo(&pool, false));
	wind_down_begin(&pool, POOL_DRAINING, "drain");
	ck_assert(wind_down_step(&pool, now));
	ck_assert(!wind_down_may_undo(&pool, false));
	ck_assert(wind_down_may_undo(&pool, true));
}
END_TEST

START_TEST(a_worker_that_hangs_is_killed)
{
	struct proc *proc = made_up_worker(&pool, 0, SLOT_IDLE);

	wind_down_begin(&pool, POOL_ENDING, "stop");
	ck_assert(!wind_down_step(&pool, now));
	now = proc->retire_ms;
	ck_assert(!wind_down_step(&pool, now + HUNG_MS - 1));
	ck_assert_uint_eq(made_up_killed(proc->pid, SIGKILL), 0);
	ck_assert(!wind_down_step(&pool, now + HUNG_MS));
	ck_assert_uint_eq(made_up_killed(proc->pid, SIGKILL), 1);
	ck_assert_ptr_nonnull(strstr(logged(), "is idle and does not leave; killed"));
}
END_TEST

START_TEST(the_queue_of_an_inherited_listener_is_not_ours)
{
	int theirs = fcntl(listeners[0].fd, F_DUPFD_CLOEXEC, 3), client = client_of(&listeners[0]);

	ck_assert(theirs >= 0 && client >= 0);
	listeners[0].inherited = true;
	wind_down_begin(&pool, POOL_ENDING, "stop");
	ck_assert(wind_down_step(&pool, now));
	ck_assert_int_eq(listeners[0].fd, -1);
	listeners[0].fd = theirs;
	serve_one(&listeners[0]);
	(void)close(client);
}
END_TEST

START_TEST(no_more_patience)
{
	struct proc *proc = keep_busy("stop");
	int client;

	listeners[1] = (struct listener){.fd = -1};
	open_listener(&listeners[1], LANES);
	client = client_of(&listeners[1]);
	ck_assert_int_ge(client, 0);
	wind_down_now(&pool, "told so");
	ck_assert_int_eq(listeners[1].fd, -1);
	ck_assert_uint_eq(made_up_killed(proc->pid, WORKER_SIGNAL_CUT), 1);
	ck_assert_ptr_nonnull(strstr(logged(), "queued clients are cut: told so"));
	(void)close(client);
}
END_TEST

/* A program takes a listener that is shut under its feet for an error: it is told to leave first. */
START_TEST(programs_let_go_of_their_listener_first)
{
	struct proc *proc = made_up_worker(&pool, 0, SLOT_IDLE);

	service.program.runs = true;
	wind_down_begin(&pool, POOL_ENDING, "stop");
	ck_assert(!wind_down_step(&pool, now));
	ck_assert(proc->leaving);
	ck_assert_int_ge(listeners[0].fd, 0);
	ck_assert_int_eq(listeners[1].fd, -1); /* it has no program */
	now = proc->retire_ms;
	ck_assert(!wind_down_step(&pool, now + LET_GO_MS - 1));
	ck_assert_int_ge(listeners[0].fd, 0);
	ck_assert(!wind_down_step(&pool, now + LET_GO_MS));
	ck_assert_int_eq(listeners[0].fd, -1);
	leave(proc);
	ck_assert(wind_down_step(&pool, now + LET_GO_MS));
}
END_TEST

/* The same holds for a program of another generation that serves the same address. */
START_TEST(programs_of_other_generations_let_go_first)
{
	static struct listener others[LANES];
	static struct pool other;
	struct proc *proc;

	for (int i = 0; i < LANES; i++) {
		others[i] = listeners[i];
		others[i].fd = -1; /* it is the pool's in force */
	}
	made_up_pool(&other, &service, others, LANES, &by_pid);
	totals_unref(&other.totals);
	other.totals = pool.totals;
	proc = made_up_worker(&other, 0, SLOT_IDLE);
	service.program.runs = true;
	wind_down_begin(&pool, POOL_DRAINING, "drain");
	ck_assert(!wind_down_step(&pool, now + LET_GO_MS));
	ck_assert(!listeners[0].refusing && listeners[1].refusing);
	pool_retire_proc(proc);
	now = proc->retire_ms;
	ck_assert(!wind_down_step(&pool, now + LET_GO_MS - 1));
	ck_assert(wind_down_step(&pool, now + LET_GO_MS));
	ck_assert(listeners[0].refusing);
}
END_TEST

int main(void)
{
	return SUITE_RUN("wind_down", set_up, an_empty_pool_ends_at_once, idle_workers_are_retired_and_waited_for,
			 clients_in_the_queue_are_served_first, a_queue_that_nobody_will_serve_does_not_hold_it_up,
			 clients_are_cut_when_their_time_is_over, without_a_limit_nobody_is_cut,
			 a_drained_pool_cuts_nobody_and_can_return,
			 an_abstract_name_comes_back_when_the_sockets_are_ours, a_worker_that_hangs_is_killed,
			 the_queue_of_an_inherited_listener_is_not_ours, no_more_patience,
			 programs_let_go_of_their_listener_first, programs_of_other_generations_let_go_first);
}
