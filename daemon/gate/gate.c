/* SPDX-License-Identifier: MIT */
#include "gate/gate.h"

#include <preforkd/module.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/load_average.h"
#include "base/title.h"
#include "board/board.h"
#include "config/config.h"
#include "gate/proxy.h"
#include "net/listen.h"
#include "net/networks.h"
#include "net/socket_kind.h"
#include "net/tcp_info.h"
#include "net/unix_peer.h"
#include "services/conn.h"

#define SECOND_LOOKS   4 /* each after twice the pause of the last one: 15 ms in all */
#define SECOND_LOOK_NS 1000000
#define VAIN_MS	       1000 /* a source that waited in vain gets no second look for so long */

enum {
	NEEDS_RULES = 1U << 0, /* the client is looked up in networks */
	NEEDS_SEAT = 1U << 1,  /* connections are counted */
	NEEDS_RATES = 1U << 2,
	NEEDS_PENALTY = 1U << 3,
	NEEDS_QUEUE = 1U << 4, /* a client that was silent in the queue may be refused at once */
	NEEDS_PROXY = 1U << 5,
	NEEDS_TIME = 1U << 6, /* clients may connect at some times only */
	NEEDS_LOAD = 1U << 7,
	NEEDS_TABLE = NEEDS_SEAT | NEEDS_RATES | NEEDS_PENALTY,
	NEEDS_DECISION = NEEDS_RULES | NEEDS_TABLE | NEEDS_TIME | NEEDS_LOAD,
};

bool gate_has_seats(const struct config_service *service)
{
	return service->access.per_source > 0 || service->access.reserve > 0 ||
	       service->workers.on_full == ON_FULL_REFUSE;
}

static unsigned needs_of(const struct config_service *service, const struct rate *source_rate)
{
	const struct config_access *access = &service->access;
	unsigned needs = 0;

	if (access->rules != NULL || access->only_allowed || access->probes != NULL)
		needs |= NEEDS_RULES;
	if (gate_has_seats(service))
		needs |= NEEDS_SEAT;
	if (source_rate->n > 0 || access->rate.n > 0)
		needs |= NEEDS_RATES;
	if (service->penalty.crashes > 0 || service->penalty.refusals > 0)
		needs |= NEEDS_PENALTY;
	/* not for a program, which may speak first: its clients may have to be silent until then */
	if (service->timeouts.first_byte > 0 && service->timeouts.first_byte_busy > 0 && service->handler != NULL &&
	    (service->handler->flags & (PREFORKD_SPEAKS_FIRST | PREFORKD_COMMAND)) == 0)
		needs |= NEEDS_QUEUE;
	if (service->proxy_protocol.from != NULL)
		needs |= NEEDS_PROXY;
	if (access->n_times > 0)
		needs |= NEEDS_TIME;
	if (access->max_load > 0)
		needs |= NEEDS_LOAD;
	return needs;
}

void gate_open(struct gate *gate, const struct config_service *service, struct sources *sources, size_t seat)
{
	bool datagrams = socket_kind_is_datagram(gate->listener);

	gate->service = service;
	gate->sources = sources;
	gate->seat = seat;
	gate->source_rate = datagrams ? &service->access.per_source_datagrams : &service->access.per_source_rate;
	gate->needs = needs_of(service, gate->source_rate);
	if (sources == NULL) /* no memory for a table: clients are not counted, and not refused for that */
		gate->needs &= ~(unsigned)NEEDS_TABLE;
	else if (seat >= SOURCES_SEATS || datagrams) /* datagrams are no connections to count */
		gate->needs &= ~(unsigned)NEEDS_SEAT;
}

/* The credentials of a client on a unix socket. NULL: another family, or the peer is a proxy, or not known. */
static const struct unix_peer *credentials_of(struct gate *gate, const struct preforkd_conn *conn)
{
	if (conn->via.len != 0 || conn->peer.sa.sa_family != AF_UNIX)
		return NULL;
	if (conn->sender != NULL)
		return conn->sender;
	if (!gate->visit.asked)
		gate->visit.known = unix_peer_get(conn->fd, &gate->who) == 0;
	gate->visit.asked = true;
	return gate->visit.known ? &gate->who : NULL;
}

uint64_t gate_key(struct gate *gate, struct preforkd_conn *conn)
{
	const struct config_access *access = &gate->service->access;

	if (gate->visit.key == 0)
		gate->visit.key = sources_key(gate->sources, &conn->peer, credentials_of(gate, conn),
					      (int)access->prefix4, (int)access->prefix6);
	return gate->visit.key;
}

/* Is it outside of access.times? The master says when that changes (pool/pool_hours.h). */
static bool is_closed(const struct gate *gate)
{
	int64_t hours = atomic_load_explicit(&gate->head->hours, memory_order_relaxed);

	return !board_hours_open(hours, (int64_t)time(NULL));
}

/* Looks up what is known about the service. */
static void gather_state(struct gate *gate, struct gate_facts *facts)
{
	facts->now_ms = clock_coarse_ms();
	facts->workers_max = atomic_load_explicit(&gate->head->workers_max, memory_order_relaxed);
	facts->closed = (gate->needs & NEEDS_TIME) != 0 && is_closed(gate);
	if ((gate->needs & NEEDS_LOAD) != 0)
		facts->load = gate->visit.load = load_average_look(&gate->load, facts->now_ms);
}

/* Looks up what is known about the client. */
static void gather_facts(struct gate *gate, struct preforkd_conn *conn, struct gate_facts *facts)
{
	const struct config_access *access = &gate->service->access;
	const struct unix_peer *cred = credentials_of(gate, conn);

	facts->rule = networks_find(access->rules, &conn->peer, cred);
	facts->exempt = gate->visit.exempt = networks_find(access->exempt, &conn->peer, cred) >= 0;
	facts->reserve_for = networks_find(access->reserve_for, &conn->peer, cred) >= 0;
	if (networks_find(access->probes, &conn->peer, cred) >= 0)
		conn->probe = true;
	if ((gate->needs & NEEDS_TABLE) != 0)
		(void)gate_key(gate, conn);
	/* A forged datagram must not use up the rate of the source that it names: unproven senders have a rate of their
	 * own. */
	gate->visit.rate_key = conn_may_be_forged(conn) ? sources_key_unproven(gate->visit.key) : gate->visit.key;
	if ((gate->needs & NEEDS_PENALTY) == 0)
		return;
	facts->penalty = sources_penalty(gate->sources, gate->visit.key, facts->now_ms);
	if (!gate->visit.exempt && !conn_may_be_forged(conn) && (conn->peer.sa.sa_family != AF_UNIX || cred != NULL))
		atomic_store_explicit(&gate->slot->source, gate->visit.key, memory_order_relaxed);
}

static void look_at_rates(const struct gate *gate, struct gate_facts *facts)
{
	const struct config_access *access = &gate->service->access;
	int64_t now_us = clock_us();

	if (gate->source_rate->n > 0)
		facts->source_wait_us =
			sources_rate_wait(gate->sources, gate->visit.rate_key, gate->source_rate, now_us);
	if (access->rate.n > 0)
		facts->service_wait_us = sources_rate_wait(gate->sources, 0, &access->rate, now_us);
}

/*
 * Takes the client's part of the rates, after everything else has let it in. Another client may have taken the last
 * place since look_at_rates(). If that was the rate of the service, what was taken of the source's rate stays taken,
 * which costs the source one place for the time of one.
 */
static void take_rates(const struct gate *gate, struct gate_facts *facts)
{
	const struct config_access *access = &gate->service->access;
	int64_t now_us = clock_us();
	bool untracked; /* not needed: sources_untracked() counts it */

	if (facts->exempt)
		return;
	if (gate->source_rate->n > 0)
		facts->source_wait_us =
			sources_rate_take(gate->sources, gate->visit.rate_key, gate->source_rate, now_us, &untracked);
	if (access->rate.n > 0 && facts->source_wait_us == 0)
		facts->service_wait_us = sources_rate_take(gate->sources, 0, &access->rate, now_us, &untracked);
}

/*
 * A client that opens one connection after another can be back before the worker it has just left has freed its seat.
 * So when all seats of its source are taken, this worker tries again for a moment; but not if that was in vain lately
 * for the same source, which could otherwise hold one worker after the other.
 */
static void sit_after_pause(struct gate *gate, size_t same, size_t all, int64_t now_ms)
{
	struct timespec pause = {.tv_nsec = SECOND_LOOK_NS};

	if (gate->visit.key == gate->vain_key && now_ms - gate->vain_ms < VAIN_MS)
		return;
	for (int i = 0; i < SECOND_LOOKS && !gate->visit.sits; i++) {
		(void)nanosleep(&pause, NULL);
		pause.tv_nsec *= 2;
		gate->visit.sits =
			sources_sit(gate->sources, gate->seat, gate->visit.key, same, all, &gate->visit.taken);
	}
	if (!gate->visit.sits) {
		gate->vain_key = gate->visit.key;
		gate->vain_ms = now_ms;
	}
}

static void take_seat(struct gate *gate, struct gate_facts *facts)
{
	const struct config_service *service = gate->service;
	size_t same = facts->exempt ? 0 : (size_t)service->access.per_source;
	size_t all = decide_most_all(service, facts->workers_max, facts->reserve_for);

	gate->visit.sits = sources_sit(gate->sources, gate->seat, gate->visit.key, same, all, &gate->visit.taken);
	if (!gate->visit.sits && same != 0 && gate->visit.taken.same >= same)
		sit_after_pause(gate, same, all, facts->now_ms);
	if (gate->visit.sits)
		return;
	facts->same = gate->visit.taken.same;
	facts->all = gate->visit.taken.all;
}

/* Step by step, and a seat is taken only if all before it lets the client in: even a seat that is taken for a moment
 * may cause another client to be refused. */
static enum refusal decide_in_steps(struct gate *gate, bool connected, struct gate_facts *facts)
{
	const bool needs_seat =
		connected && (gate->needs & NEEDS_SEAT) != 0; /* datagrams are no connections to count */

	gate->visit.verdict = decide_admission(gate->service, facts);
	if (gate->visit.verdict.reason != REFUSED_NOT)
		return gate->visit.verdict.reason;
	if (needs_seat)
		take_seat(gate, facts);
	if ((gate->needs & NEEDS_RATES) != 0)
		look_at_rates(gate, facts);
	if (needs_seat || (gate->needs & NEEDS_RATES) != 0)
		gate->visit.verdict = decide_admission(gate->service, facts);
	if (gate->visit.verdict.reason == REFUSED_NOT && needs_seat && !gate->visit.sits)
		gate->visit.verdict.reason =
			REFUSED_FULL; /* the table is right, even if its counts have changed meanwhile */
	if (gate->visit.verdict.reason == REFUSED_NOT && (gate->needs & NEEDS_RATES) != 0) {
		take_rates(gate, facts);
		gate->visit.verdict = decide_admission(gate->service, facts);
	}
	return gate->visit.verdict.reason;
}

/*
 * Has the client waited in the queue longer than first_byte_busy without sending a byte, while more clients wait? It
 * would keep the last idle worker from them. For a unix socket the kernel does not tell.
 */
static bool was_silent_in_queue(const struct gate *gate, const struct preforkd_conn *conn)
{
	int64_t queued_ms;
	bool heard; /* also true if the client has closed: a probe, which will close at once */

	return tcp_info_queued(conn->fd, &queued_ms, &heard) == 0 && !heard &&
	       queued_ms > gate->service->timeouts.first_byte_busy && listen_pending(gate->listener);
}

/* For the consequences of a refusal before gather_facts(). */
static bool is_exempt(struct gate *gate, const struct preforkd_conn *conn)
{
	const struct networks *exempt = gate->service->access.exempt;

	return exempt != NULL && networks_find(exempt, &conn->peer, credentials_of(gate, conn)) >= 0;
}

static enum refusal read_proxy_header(struct gate *gate, struct preforkd_conn *conn)
{
	struct proxy_taken taken;
	char host[ADDR_TEXT_MAX];
	enum refusal refusal = proxy_admit(conn, credentials_of(gate, conn), &taken);

	gate->visit.empty = taken.empty;
	if (refusal != REFUSED_NOT)
		gate->visit.err = taken.err;
	if (taken.empty || (taken.size > 0 && taken.header.local))
		conn->probe = true;
	if (conn->via.len != 0) {
		board_peer_set(gate->slot, &conn->peer);
		board_via_set(gate->slot, &conn->via);
		title_rest(addr_format_host(&conn->peer, host, sizeof(host)));
	}
	return refusal;
}

enum refusal gate_admit(struct gate *gate, struct preforkd_conn *conn, bool last_idle)
{
	struct gate_facts facts = {.rule = -1};

	gate->visit = (struct gate_visit){.verdict = {.reason = REFUSED_NOT}};
	atomic_store_explicit(&gate->slot->source, 0, memory_order_relaxed);
	addr_fold(&conn->peer);
	if ((gate->needs & NEEDS_QUEUE) != 0 && last_idle && was_silent_in_queue(gate, conn))
		return gate->visit.verdict.reason = REFUSED_QUEUED_SILENT;
	if ((gate->needs & NEEDS_PROXY) != 0) {
		gate->visit.verdict.reason = read_proxy_header(gate, conn);
		if (gate->visit.verdict.reason != REFUSED_NOT) {
			gate->visit.exempt = is_exempt(gate, conn);
			return gate->visit.verdict.reason;
		}
	}
	if ((gate->needs & NEEDS_DECISION) == 0)
		return REFUSED_NOT;
	gather_state(gate, &facts);
	gather_facts(gate, conn, &facts);
	if (decide_in_steps(gate, conn->fd >= 0, &facts) != REFUSED_NOT)
		gate_leave(gate);
	return gate->visit.verdict.reason;
}

void gate_leave(struct gate *gate)
{
	if (gate->visit.sits)
		sources_stand(gate->sources, gate->seat);
	gate->visit.sits = false;
}
