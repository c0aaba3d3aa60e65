/* SPDX-License-Identifier: MIT */
#include "gate/gate.h"

#include <preforkd/module.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/title.h"
#include "board/board.h"
#include "config/config.h"
#include "gate/proxy.h"
#include "net/listen.h"
#include "net/networks.h"
#include "net/tcp_info.h"
#include "services/conn.h"

#define SECOND_LOOKS   4 /* 15 ms in all */
#define SECOND_LOOK_NS 1000000
#define VAIN_MS	       1000

enum {
	NEEDS_RULES = 1U << 0, /* some networks are to be looked in */
	NEEDS_SEAT = 1U << 1,  /* connections are counted */
	NEEDS_RATES = 1U << 2,
	NEEDS_PENALTY = 1U << 3,
	NEEDS_QUEUE = 1U << 4, /* who waited in the queue and said nothing may have to go again at once */
	NEEDS_PROXY = 1U << 5,
	NEEDS_TABLE = NEEDS_SEAT | NEEDS_RATES | NEEDS_PENALTY,
	NEEDS_DECISION = NEEDS_RULES | NEEDS_TABLE,
};

bool gate_has_seats(const struct config_service *service)
{
	return service->access.per_source > 0 || service->access.reserve > 0 ||
	       service->workers.on_full == ON_FULL_REFUSE;
}

static unsigned needs_of(const struct config_service *service)
{
	const struct config_access *access = &service->access;
	unsigned needs = 0;

	if (access->rules != NULL || access->only_allowed || access->probes != NULL)
		needs |= NEEDS_RULES;
	if (gate_has_seats(service))
		needs |= NEEDS_SEAT;
	if (access->per_source_rate.n > 0 || access->rate.n > 0)
		needs |= NEEDS_RATES;
	if (service->penalty.crashes > 0 || service->penalty.refusals > 0)
		needs |= NEEDS_PENALTY;
	/* a program may be the one to speak first: who waits for it has to be silent */
	if (service->timeouts.first_byte > 0 && service->timeouts.first_byte_busy > 0 && service->handler != NULL &&
	    (service->handler->flags & (PREFORKD_SPEAKS_FIRST | PREFORKD_COMMAND)) == 0)
		needs |= NEEDS_QUEUE;
	if (service->proxy_protocol.from != NULL)
		needs |= NEEDS_PROXY;
	return needs;
}

void gate_open(struct gate *gate, const struct config_service *service, struct sources *sources, size_t seat)
{
	gate->service = service;
	gate->sources = sources;
	gate->seat = seat;
	gate->needs = needs_of(service);
	if (sources == NULL) /* there was none to be had: nobody is counted, and nobody refused for it */
		gate->needs &= ~(unsigned)NEEDS_TABLE;
	else if (seat >= SOURCES_SEATS || listen_is_datagram(gate->listener)) /* no connection, none too many */
		gate->needs &= ~(unsigned)NEEDS_SEAT;
}

/* Who is at the other end of a unix socket; NULL where that is not who counts: it is a proxy, or there is none. */
static const struct unix_peer *cred_of(struct gate *gate, const struct preforkd_conn *conn)
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
		gate->visit.key = sources_key(gate->sources, &conn->peer, cred_of(gate, conn), (int)access->prefix4,
					      (int)access->prefix6);
	return gate->visit.key;
}

static void know(struct gate *gate, struct preforkd_conn *conn, struct gate_facts *facts)
{
	const struct config_access *access = &gate->service->access;
	const struct unix_peer *cred = cred_of(gate, conn);

	facts->rule = networks_find(access->rules, &conn->peer, cred);
	facts->exempt = gate->visit.exempt = networks_find(access->exempt, &conn->peer, cred) >= 0;
	facts->reserve_for = networks_find(access->reserve_for, &conn->peer, cred) >= 0;
	if (networks_find(access->probes, &conn->peer, cred) >= 0)
		conn->probe = true;
	if ((gate->needs & NEEDS_TABLE) != 0)
		(void)gate_key(gate, conn);
	/* else whoever forges datagrams would use up what connections of that source may take */
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

	if (access->per_source_rate.n > 0)
		facts->source_wait_us =
			sources_rate_wait(gate->sources, gate->visit.rate_key, &access->per_source_rate, now_us);
	if (access->rate.n > 0)
		facts->service_wait_us = sources_rate_wait(gate->sources, 0, &access->rate, now_us);
}

/*
 * Everything else let it in. Others may have taken what was there a moment ago; then what the source has taken for
 * itself stays taken: one place too few for it, for the time of one.
 */
static void take_rates(const struct gate *gate, struct gate_facts *facts)
{
	const struct config_access *access = &gate->service->access;
	int64_t now_us = clock_us();
	bool untracked; /* sources.c counts it */

	if (facts->exempt)
		return;
	if (access->per_source_rate.n > 0)
		facts->source_wait_us = sources_rate_take(gate->sources, gate->visit.rate_key, &access->per_source_rate,
							  now_us, &untracked);
	if (access->rate.n > 0 && facts->source_wait_us == 0)
		facts->service_wait_us = sources_rate_take(gate->sources, 0, &access->rate, now_us, &untracked);
}

/*
 * A client that comes one by one is here again before the worker that it has just left has stood up. So who finds all
 * seats of his source taken looks again, for a moment; but not for a source for which that was in vain lately: it
 * would hold one worker after the other in this way.
 */
static void try_again(struct gate *gate, size_t same, size_t all, int64_t now_ms)
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

static void sit(struct gate *gate, struct gate_facts *facts)
{
	const struct config_service *service = gate->service;
	size_t same = facts->exempt ? 0 : (size_t)service->access.per_source;
	size_t all = gate_most_all(service, facts->workers_max, facts->reserve_for);

	gate->visit.sits = sources_sit(gate->sources, gate->seat, gate->visit.key, same, all, &gate->visit.taken);
	if (!gate->visit.sits && same != 0 && gate->visit.taken.same >= same)
		try_again(gate, same, all, facts->now_ms);
	if (gate->visit.sits)
		return;
	facts->same = gate->visit.taken.same;
	facts->all = gate->visit.taken.all;
}

/* Step by step, for a seat that is taken, if only for a moment, may be missed by another. */
static enum refusal decide(struct gate *gate, bool connected, struct gate_facts *facts)
{
	const bool needs_seat =
		connected && (gate->needs & NEEDS_SEAT) != 0; /* a datagram is no connection that counts */

	gate->visit.verdict = gate_decide(gate->service, facts);
	if (gate->visit.verdict.reason != REFUSED_NOT)
		return gate->visit.verdict.reason;
	if (needs_seat)
		sit(gate, facts);
	if ((gate->needs & NEEDS_RATES) != 0)
		look_at_rates(gate, facts);
	if (needs_seat || (gate->needs & NEEDS_RATES) != 0)
		gate->visit.verdict = gate_decide(gate->service, facts);
	if (gate->visit.verdict.reason == REFUSED_NOT && needs_seat && !gate->visit.sits)
		gate->visit.verdict.reason =
			REFUSED_FULL; /* the table says no and the counts do not: believe the table */
	if (gate->visit.verdict.reason == REFUSED_NOT && (gate->needs & NEEDS_RATES) != 0) {
		take_rates(gate, facts);
		gate->visit.verdict = gate_decide(gate->service, facts);
	}
	return gate->visit.verdict.reason;
}

/*
 * All others are busy, more clients wait, and this one would keep the last worker waiting for a first byte, as it
 * has waited in the queue without sending any. On a unix socket the kernel does not tell.
 */
static bool is_silent_from_the_queue(const struct gate *gate, const struct preforkd_conn *conn)
{
	int64_t queued_ms;
	bool heard; /* who has gone again was a probe, and holds nobody up */

	return tcp_info_queued(conn->fd, &queued_ms, &heard) == 0 && !heard &&
	       queued_ms > gate->service->timeouts.first_byte_busy && listen_pending(gate->listener);
}

/* For what comes of a refusal, where it is refused before anything is known of it. */
static bool is_exempt(struct gate *gate, const struct preforkd_conn *conn)
{
	const struct networks *exempt = gate->service->access.exempt;

	return exempt != NULL && networks_find(exempt, &conn->peer, cred_of(gate, conn)) >= 0;
}

static enum refusal hear_proxy(struct gate *gate, struct preforkd_conn *conn)
{
	struct proxy_taken taken;
	char host[ADDR_TEXT_MAX];
	enum refusal refusal = proxy_admit(conn, cred_of(gate, conn), &taken);

	gate->visit.empty = taken.empty;
	if (refusal != REFUSED_NOT)
		gate->visit.err = taken.err;
	if (taken.empty || (taken.size > 0 && taken.header.local))
		conn->probe = true;
	if (conn->via.len != 0) {
		board_peer_set(gate->slot, &conn->peer);
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
	if ((gate->needs & NEEDS_QUEUE) != 0 && last_idle && is_silent_from_the_queue(gate, conn))
		return gate->visit.verdict.reason = REFUSED_QUEUED_SILENT;
	if ((gate->needs & NEEDS_PROXY) != 0) {
		gate->visit.verdict.reason = hear_proxy(gate, conn);
		if (gate->visit.verdict.reason != REFUSED_NOT) {
			gate->visit.exempt = is_exempt(gate, conn);
			return gate->visit.verdict.reason;
		}
	}
	if ((gate->needs & NEEDS_DECISION) == 0)
		return REFUSED_NOT;
	facts.now_ms = clock_coarse_ms();
	facts.workers_max = atomic_load_explicit(&gate->head->workers_max, memory_order_relaxed);
	know(gate, conn, &facts);
	if (decide(gate, conn->fd >= 0, &facts) != REFUSED_NOT)
		gate_leave(gate);
	return gate->visit.verdict.reason;
}

void gate_leave(struct gate *gate)
{
	if (gate->visit.sits)
		sources_stand(gate->sources, gate->seat);
	gate->visit.sits = false;
}
