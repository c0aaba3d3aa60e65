/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <preforkd/module.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/signals.h"
#include "base/title.h"
#include "board/board.h"
#include "config/config.h"
#include "net/listen.h"
#include "services/conn.h"
#include "services/deadline.h"
#include "services/upstreams.h"
#include "worker/contract.h"
#include "worker/hold.h"
#include "worker/orders.h"
#include "worker/privileges.h"
#include "worker/wait.h"

struct worker {
	const struct worker_params *params;
	struct board board;
	struct board_lane *lane;
	struct board_slot *slot;
	uint64_t enough; /* connections after which it asks to be replaced; 0: never */
};

static struct log_about about_service(const struct worker_params *params)
{
	return (struct log_about){.service = params->service->name, .worker = getpid()};
}

_Noreturn static void give_up(const struct worker_params *params, enum worker_exit status,
			      const char *text)
{
	struct log_about about = about_service(params);

	log_about(LOG_ERR, &about, "worker leaves: %s", text);
	if (params->hold >= 0)
		hold_fail(params->hold, text);
	_exit(status);
}

/* max_requests, less up to a tenth, so that workers that started together do not all go together. */
static uint64_t with_jitter(int64_t max_requests)
{
	if (max_requests <= 0)
		return 0;
	return (uint64_t)(max_requests - random() % (max_requests / 10 + 1));
}

/*
 * When memory runs out, in the control group or in the machine, the kernel takes a worker, or the program that it runs,
 * and not the master, whose end would be everybody's. While we may: after a change of user these files are root's.
 */
static void offer_to_the_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char text[16] = "";
	int score;

	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0 && sscanf(text, "%d", &score) == 1 && lseek(fd, 0, SEEK_SET) == 0)
		(void)dprintf(fd, "%d", score + 100 > 1000 ? 1000 : score + 100);
	fd_close(&fd);
}

static void set_up(struct worker *w, const struct worker_params *params)
{
	int keep[] = {params->listener, params->board, params->ring, params->dead, params->hold,
		      params->targets,	log_fd()};
	struct err err;

	log_echo(-1); /* its descriptor is closed next, and may become a client's */
	fds_close_except(keep, sizeof(keep) / sizeof(keep[0]));
	offer_to_the_oom_killer();
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (privileges_drop(&params->service->identity, &err) < 0)
		give_up(params, WORKER_EXIT_SETUP, err.text);
	/* After the change of user, which clears it; and then look whether it came too late. */
	if (prctl(PR_SET_PDEATHSIG, WORKER_SIGNAL_CUT) < 0 || getppid() != params->master)
		_exit(WORKER_EXIT_DONE);
	if (board_map(&w->board, params->board, &err) < 0)
		give_up(params, WORKER_EXIT_SETUP, err.text);
	fd_close(&w->board.fd);
	w->params = params;
	w->lane = &w->board.lanes[params->lane];
	w->slot = &w->board.slots[params->slot];

	signals_harmless();
	orders_init(params->listener, params->dead, params->master, &w->slot->told);
	deadline_init();
	srandom((unsigned)getpid() ^ (unsigned)clock_ms());
	w->enough = with_jitter(params->service->workers.max_requests);
	title_prefix(params->service->name);
	title_rest("[idle]");
	if (params->targets >= 0) {
		int targets = params->targets;

		if (upstreams_begin(params->service, targets, &w->board, w->slot, &err) < 0)
			give_up(params, WORKER_EXIT_SETUP, err.text);
		fd_close(&targets);
	}
	if (params->service->handler->worker_start != NULL &&
	    params->service->handler->worker_start() < 0)
		give_up(params, WORKER_EXIT_SETUP, "the service could not start");
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

/* Whoever takes the last idle worker rings, so that the pool grows now and not at the next tick. */
static void become_busy(struct worker *w, const struct sockaddr_any *peer)
{
	int32_t idle;

	board_peer_set(w->slot, peer);
	set_state(w, SLOT_BUSY);
	idle = atomic_fetch_sub(&w->lane->idle, 1) - 1;
	if (idle < atomic_load_explicit(&w->lane->lowest, memory_order_relaxed))
		atomic_store_explicit(&w->lane->lowest, idle, memory_order_relaxed);
	if (idle <= 0 && atomic_load_explicit(&w->lane->may_grow, memory_order_relaxed))
		board_ring(&w->board, w->params->ring);
}

static void bump(_Atomic uint64_t *counter, uint64_t by)
{
	/* one writer: no need for a locked instruction */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
			      memory_order_relaxed);
}

static void log_connection(struct preforkd_conn *conn, bool failed,
			   enum config_log_connections which)
{
	/* A probe connects and goes: nobody wants to read of it. */
	bool probe = conn->in == 0 && conn->out == 0 && !preforkd_ended(conn) &&
		     strstr(conn->reason, strerror(ECONNRESET)) != NULL;
	bool told = deadline_was_cut() && !deadline_is_orphan(); /* the master has said it */
	char age[32];

	if (failed && !probe && !told && which != LOG_CONNECTIONS_NONE)
		preforkd_log(conn, LOG_NOTICE, "%s", conn->reason);
	if (which != LOG_CONNECTIONS_ALL)
		return;
	format_duration(clock_coarse_ms() - conn->start_ms, age, sizeof(age));
	preforkd_log(conn, LOG_INFO, "done after %s, %llu bytes in, %llu bytes out", age,
		     (unsigned long long)conn->in, (unsigned long long)conn->out);
}

static void serve(struct worker *w, int fd, const struct sockaddr_any *peer)
{
	const struct config_service *service = w->params->service;
	char host[ADDR_TEXT_MAX];
	struct preforkd_conn conn;
	bool failed;

	title_rest(addr_format_host(peer, host, sizeof(host)));
	conn_begin(&conn, fd, peer, service, w->slot);
	failed = service->handler->serve(&conn) != 0;
	log_connection(&conn, failed, w->params->config->log.connections);
	conn_end(&conn);
	title_rest("[idle]");

	bump(&w->slot->accepted, 1);
	bump(&w->slot->failed, failed);
	if (w->enough != 0 && atomic_load_explicit(&w->slot->accepted, memory_order_relaxed) >= w->enough &&
	    atomic_exchange(&w->slot->spent, 1) == 0)
		board_ring(&w->board, w->params->ring);
}

/* During a stop: leave as soon as nobody is queued. */
static bool drained(const struct worker *w)
{
	return atomic_load_explicit(&w->board.head->draining, memory_order_relaxed) &&
	       !listen_pending(w->params->listener);
}

_Noreturn static void leave(struct worker *w, enum worker_exit status)
{
	set_state(w, SLOT_LEAVING);
	_exit(status);
}

_Noreturn void worker_main(const struct worker_params *params)
{
	struct sockaddr_any peer;
	struct worker w = {0};
	int hold = params->hold, fd;
	sigset_t none;

	set_up(&w, params);
	if (hold >= 0 && !hold_until_go(hold))
		leave(&w, WORKER_EXIT_DONE);
	fd_close(&hold);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	become_idle(&w);
	board_ring(&w.board, params->ring); /* ready */
	for (;;) {
		switch (wait_client(params->listener, w.board.head, params->service->name, &fd,
				    &peer)) {
		case WAIT_CLIENT:
			become_busy(&w, &peer);
			serve(&w, fd, &peer);
			if (orders_to_leave() || drained(&w))
				leave(&w, WORKER_EXIT_DONE);
			become_idle(&w);
			break;
		case WAIT_LEAVE:
			(void)atomic_fetch_sub(&w.lane->idle, 1);
			leave(&w, WORKER_EXIT_DONE);
		case WAIT_BROKEN:
			(void)atomic_fetch_sub(&w.lane->idle, 1);
			set_state(&w, SLOT_LEAVING);
			if (atomic_load(&w.board.head->draining)) /* the master has shut it */
				leave(&w, WORKER_EXIT_DONE);
			give_up(params, WORKER_EXIT_LISTENER, strerror(errno));
		}
	}
}
