/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <preforkd/module.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/title.h"
#include "board/board.h"
#include "board/sources.h"
#include "config/config.h"
#include "gate/gate.h"
#include "gate/refuse.h"
#include "net/datagram.h"
#include "net/listen.h"
#include "net/listen_look.h"
#include "net/socket_kind.h"
#include "sandbox/group.h"
#include "sandbox/sandbox.h"
#include "services/conn.h"
#include "services/conn_say.h"
#include "services/deadline.h"
#include "services/greet.h"
#include "services/self.h"
#include "services/upstreams.h"
#include "worker/become_program.h"
#include "worker/connection_log.h"
#include "worker/contract.h"
#include "worker/datagrams.h"
#include "worker/descriptors.h"
#include "worker/measure.h"
#include "worker/orders.h"
#include "worker/proof.h"
#include "worker/saturation.h"
#include "worker/wait.h"

struct worker {
	const struct worker_params *params;
	struct board board;
	struct board_lane *lane;
	struct board_slot *slot;
	struct sources sources;
	struct gate gate;
	int answers; /* a copy of a datagram socket, for answers: an order to leave replaces the listener; -1: none */
	bool unfit;  /* it must not serve another client */
	uint64_t enough; /* number of connections after which the worker asks to be replaced; 0: never */
};

static struct datagram datagram; /* too large for a stack */

static struct log_about about_service(const struct worker_params *params)
{
	return (struct log_about){.service = params->service->name, .worker = getpid()};
}

_Noreturn static void give_up(const struct worker_params *params, enum worker_exit status, const char *text)
{
	struct log_about about = about_service(params);

	log_about(params->quiet ? LOG_DEBUG : LOG_ERR, &about, "worker leaves: %s", text);
	if (params->proof >= 0)
		proof_fail(params->proof, text);
	_exit(status);
}

/* max_requests less a random part of up to a tenth, so that workers that started together are not all replaced
 * together. */
static uint64_t with_jitter(int64_t max_requests)
{
	if (max_requests <= 0)
		return 0;
	return (uint64_t)(max_requests - random() % (max_requests / 10 + 1));
}

/* Anew in each worker: otherwise all would draw the same random numbers, from the state that fork() copied. */
static void seed_random(void)
{
	unsigned number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		number = (unsigned)getpid() ^ (unsigned)clock_ms();
	srandom(number); /* also for rand(3) */
	srand48((long)number);
}

static void start_service(const struct worker_params *params)
{
	const struct preforkd_module *handler = params->service->handler;
	sigset_t all, before;
	char text[300];
	int rc;

	if (handler->worker_start == NULL)
		return;
	/* Threads that it starts inherit this mask: a signal that one of them took would not end this thread's wait. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	rc = handler->worker_start();
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		return;
	(void)snprintf(text, sizeof(text), "the service could not start%s%s", *self_reason() != '\0' ? ": " : "",
		       self_reason());
	give_up(params, WORKER_EXIT_SETUP, text);
}

/* PARAMS, with the identity of the service: the user data base may not have had it when the configuration was loaded.
 */
static const struct worker_params *with_identity(const struct worker_params *params)
{
	static struct worker_params own;
	struct err err;

	own = *params;
	own.service = sandbox_find_user(params->service, &err);
	if (own.service == NULL)
		give_up(params, WORKER_EXIT_SETUP, err.text);
	return &own;
}

static void enter_sandbox(const struct worker_params *params)
{
	struct err err;

	group_give(params->group);
	if (sandbox_enter(params->service, &err) < 0)
		give_up(params, WORKER_EXIT_SETUP, err.text);
	/* After the change of user, which clears the signal of the parent's death. */
	if (child_bind(params->master, WORKER_SIGNAL_CUT) < 0)
		_exit(WORKER_EXIT_DONE);
}

static void map_board(struct worker *w)
{
	const struct worker_params *params = w->params;
	struct err err;

	if (board_map(&w->board, params->board, params->n_lanes, params->n_slots, &err) < 0)
		give_up(params, WORKER_EXIT_SETUP, err.text);
	fd_close(&w->board.fd);
	w->lane = &w->board.lanes[params->lane];
	w->slot = &w->board.slots[params->slot];
}

static void open_gate(struct worker *w)
{
	const struct worker_params *params = w->params;
	int sources = params->sources->fd;
	struct err err;

	if (sources_map(&w->sources, params->sources, &err) < 0)
		give_up(params, WORKER_EXIT_SETUP, err.text);
	fd_close(&sources);
	w->gate = (struct gate){.head = w->board.head, .lane = w->lane, .slot = w->slot, .listener = params->listener};
	gate_open(&w->gate, params->service, &w->sources, params->seat);
}

static void open_answers(struct worker *w)
{
	const struct worker_params *params = w->params;

	w->answers = -1;
	if (!socket_kind_is_datagram(params->listener))
		return;
	w->answers = fcntl(params->listener, F_DUPFD_CLOEXEC, 3);
	if (w->answers < 0)
		give_up(params, WORKER_EXIT_SETUP, strerror(errno));
	datagram_init(&datagram, w->answers);
}

static void install_handlers(struct worker *w)
{
	const struct worker_params *params = w->params;
	const struct orders orders = {
		.master = params->master, .board = &w->board, .ring = params->ring, .slot = w->slot};

	signals_harmless();
	orders_init(params->listener, params->dead, &orders);
	deadline_init(params->service->on_cut == ON_CUT_RESET);
	saturation_init(w->board.head, w->lane, params->listener);
}

static void begin_upstreams(struct worker *w)
{
	const struct worker_params *params = w->params;
	int targets = params->targets;
	struct err err;

	if (targets < 0)
		return;
	if (upstreams_begin(params->service, targets, &w->board, w->slot, &err) < 0)
		give_up(params, WORKER_EXIT_SETUP, err.text);
	fd_close(&targets);
}

static void set_up(struct worker *w, const struct worker_params *params)
{
	struct err err;

	if (descriptors_set_up(params) < 0)
		give_up(params, WORKER_EXIT_SETUP, "cannot close the descriptors of the master");
	w->params = params = with_identity(params);
	enter_sandbox(params);
	map_board(w);
	open_gate(w);
	open_answers(w);
	install_handlers(w);
	seed_random();
	measure_init();
	w->enough = with_jitter(params->service->workers.max_requests);
	title_prefix(params->service->name);
	title_rest("[idle]");
	begin_upstreams(w);
	self_set(params->service, NULL, w->slot);
	start_service(params);
	self_timer_start();
	if (sandbox_close(w->slot, &err) < 0)
		give_up(params, WORKER_EXIT_SETUP, err.text);
}

static void set_state(struct worker *w, enum slot_state state)
{
	atomic_store_explicit(&w->slot->since_ms, clock_coarse_ms(), memory_order_relaxed);
	atomic_store_explicit(&w->slot->state, state, memory_order_release);
}

static void become_idle(struct worker *w)
{
	set_state(w, SLOT_IDLE);
	(void)atomic_fetch_add(&w->lane->idle, 1);
}

/* Returns whether this was the last idle worker of its lane. If it was, it rings, so that the pool grows now and not at
 * the next tick. */
static bool become_busy(struct worker *w, const struct sockaddr_any *peer)
{
	int32_t idle;

	/* Before the state: the master must not take what the slot says about the last client for this one. 1: of this
	 * client nothing is known yet, and it is not evicted. */
	atomic_store_explicit(&w->slot->greeted, 1, memory_order_release);
	atomic_store_explicit(&w->slot->turn, atomic_load_explicit(&w->slot->turn, memory_order_relaxed) + 1,
			      memory_order_release);
	board_peer_set(w->slot, peer);
	board_client_begin(w->slot);
	set_state(w, SLOT_BUSY);
	idle = (int32_t)((uint32_t)atomic_fetch_sub(&w->lane->idle, 1) - 1); /* it may be damaged: no overflow */
	if (idle < atomic_load_explicit(&w->lane->lowest, memory_order_relaxed))
		atomic_store_explicit(&w->lane->lowest, idle, memory_order_relaxed);
	if (idle <= 0 && atomic_load_explicit(&w->lane->may_grow, memory_order_relaxed))
		board_ring(&w->board, w->params->ring);
	return idle <= 0;
}

/* The client connected and closed without a byte in either direction. Where a program serves a unix socket its bytes
 * are not seen, so it cannot be told. */
static bool was_silent(const struct preforkd_conn *conn)
{
	const struct sockaddr_any *client = conn->via.len != 0 ? &conn->via : &conn->peer;
	char byte;
	ssize_t n;

	if (conn->in != 0 || conn->out != 0 || preforkd_ended(conn) ||
	    ((conn->service->handler->flags & PREFORKD_COMMAND) != 0 && client->sa.sa_family == AF_UNIX))
		return false;
	n = recv(conn->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void count_served(struct worker *w, const struct preforkd_conn *conn, bool failed)
{
	board_count(&w->slot->accepted, 1);
	board_count(&w->slot->probes, conn->probe);
	board_count(&w->slot->failed, failed && !conn->hung_up && !conn->probe);
}

/* When it has served enough, or is SPENT: asks the master once for a successor. */
static void ask_to_be_replaced(struct worker *w, bool spent)
{
	measure_memory(w->board.head, w->slot);
	if (w->enough != 0 && atomic_load_explicit(&w->slot->accepted, memory_order_relaxed) >= w->enough)
		spent = true;
	if (spent && atomic_exchange(&w->slot->spent, 1) == 0)
		board_ring(&w->board, w->params->ring);
}

static void serve_client(struct worker *w, int fd, const struct sockaddr_any *peer, bool last_idle)
{
	const struct config_service *service = w->params->service;
	char host[ADDR_TEXT_MAX];
	struct preforkd_conn conn;
	enum refusal refusal;
	bool failed, evicted, silent;

	title_rest(addr_format_host(peer, host, sizeof(host)));
	conn_begin(&conn, fd, peer, service, w->slot);
	refusal = gate_admit(&w->gate, &conn, last_idle);
	if (refusal != REFUSED_NOT) {
		if (deadline_passed() == DEADLINE_EVICTED) /* it was evicted while it was at the gate */
			refusal = REFUSED_EVICTED;
		refuse_client(&w->gate, &conn, refusal, last_idle);
		title_rest("[idle]");
		return;
	}
	failed = !greet_client(&conn) || service->handler->serve(&conn) != 0;
	atomic_store_explicit(&w->slot->finishing, 1, memory_order_relaxed);
	if (!conn_deliver(&conn))
		failed = true;
	if (failed)
		conn_say_something(&conn);
	evicted = deadline_passed() == DEADLINE_EVICTED;
	silent = was_silent(&conn);
	if (evicted)
		refuse_count(&w->gate, &conn, REFUSED_EVICTED);
	else if (silent && !conn.unserved) /* a probe, which is not worth a log line */
		conn.probe = true;
	connection_log(&conn, failed, silent, w->params->config->log.connections);
	conn_end(&conn);
	gate_leave(&w->gate);
	title_rest("[idle]");
	if (!evicted)
		count_served(w, &conn, failed);
	if (conn.death != NULL)
		board_ring(&w->board, w->params->ring);
	w->unfit = conn.unfit;
	ask_to_be_replaced(w, conn.spent);
}

static enum wait_result serve_next_client(struct worker *w)
{
	const struct worker_params *params = w->params;
	struct sockaddr_any peer;
	enum wait_result result;
	int fd;

	result = wait_client(params->listener, w->board.head, params->service->name, &fd, &peer);
	if (result == WAIT_CLIENT) {
		bool last_idle = become_busy(w, &peer);

		serve_client(w, fd, &peer, last_idle);
	}
	return result;
}

static enum wait_result serve_next_datagram(struct worker *w)
{
	const struct worker_params *params = w->params;
	struct preforkd_conn conn;
	enum wait_result result;

	result = wait_datagram(params->listener, w->board.head, params->service->name, &datagram);
	if (result == WAIT_CLIENT) {
		(void)become_busy(w, &datagram.peer);
		conn_begin_datagram(&conn, &datagram.peer, params->service, w->slot);
		if (datagram.has_sender)
			conn.sender = &datagram.sender;
		if (datagrams_serve(&w->gate, w->answers, &datagram, &conn))
			count_served(w, &conn, false);
		ask_to_be_replaced(w, false);
	}
	return result;
}

/* When a datagram comes, starts a program that reads the datagrams itself, for as long as it likes: inetd's "wait". */
static enum wait_result serve_with_program(struct worker *w)
{
	const struct worker_params *params = w->params;
	const struct sockaddr_any nobody = {.len = 0};
	struct preforkd_conn conn;
	enum wait_result result;
	bool failed;

	result = wait_readable(params->listener, w->board.head, params->service->name);
	if (result != WAIT_CLIENT)
		return result;
	(void)become_busy(w, &nobody);
	title_rest("[datagrams]");
	conn_begin_shared(&conn, w->answers, orders_to_leave, params->service, w->slot);
	failed = params->service->handler->serve(&conn) != 0;
	/* A program may have connected the socket, which it shares with the next one. */
	if (listen_look(w->answers) == LISTEN_CONNECTED)
		(void)listen_disconnect(w->answers); /* else the master mends it, and says so */
	connection_log(&conn, failed, false, params->config->log.connections);
	deadline_end();
	title_rest("[idle]");
	count_served(w, &conn, failed);
	if (conn.death != NULL)
		board_ring(&w->board, w->params->ring);
	w->unfit = conn.unfit;
	ask_to_be_replaced(w, conn.spent);
	return result;
}

/* The master is draining its listeners, and no client is in the queue any more. */
static bool is_drained(const struct worker *w)
{
	return atomic_load_explicit(&w->board.head->draining, memory_order_relaxed) &&
	       !listen_pending(w->params->listener);
}

_Noreturn static void exit_worker(struct worker *w, enum worker_exit status)
{
	const struct preforkd_module *handler = w->params->service->handler;

	set_state(w, SLOT_LEAVING);
	if (handler->worker_stop != NULL)
		handler->worker_stop();
	_exit(status);
}

_Noreturn void worker_main(const struct worker_params *params)
{
	enum wait_result (*serve_next)(struct worker * w) = serve_next_client;
	struct worker w = {0};
	int proof = params->proof;
	sigset_t none;

	if (params->service->program.runs)
		become_program(params);
	if (socket_kind_is_datagram(params->listener))
		serve_next = params->service->handler->answer != NULL ? serve_next_datagram : serve_with_program;
	set_up(&w, params);
	if (proof >= 0 && !proof_wait(proof))
		exit_worker(&w, WORKER_EXIT_DONE);
	fd_close(&proof);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	become_idle(&w);
	board_ring(&w.board, params->ring); /* tells the master that it is ready */
	for (;;) {
		switch (serve_next(&w)) {
		case WAIT_CLIENT:
			if (w.unfit || orders_to_leave() || is_drained(&w))
				exit_worker(&w, WORKER_EXIT_DONE);
			become_idle(&w);
			break;
		case WAIT_LEAVE:
			(void)atomic_fetch_sub(&w.lane->idle, 1);
			exit_worker(&w, WORKER_EXIT_DONE);
		case WAIT_BROKEN:
			(void)atomic_fetch_sub(&w.lane->idle, 1);
			set_state(&w, SLOT_LEAVING);
			if (atomic_load(&w.board.head->draining)) /* the master has shut the listener down */
				exit_worker(&w, WORKER_EXIT_DONE);
			if (errno == EINVAL) /* it was shut down; the master says so once, for all workers */
				exit_worker(&w, WORKER_EXIT_LISTENER);
			give_up(params, WORKER_EXIT_LISTENER, strerror(errno));
		}
	}
}
