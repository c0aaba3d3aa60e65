/* SPDX-License-Identifier: MIT */
#include "gate/refuse.h"

#include <inttypes.h>
#include <preforkd/module.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "base/parse.h"
#include "board/board.h"
#include "config/config.h"
#include "gate/gate.h"
#include "gate/penalty.h"
#include "net/linger.h"
#include "services/conn.h"
#include "services/deadline.h"

#define LOG_EVERY_MS 10000

/* ---- the log ---- */

static void describe_rule(const struct access_rule *rule, char *out, size_t size)
{
	if (rule == NULL)
		return;
	if (rule->origin.file != NULL)
		(void)snprintf(out, size, " (%s, %s:%d)", rule->text, rule->origin.file, rule->origin.line);
	else
		(void)snprintf(out, size, " (%s)", rule->text);
}

static void describe_wait(const char *what, const struct rate *rate, int64_t wait_ms, char *out, size_t size)
{
	char text[48], wait[32];

	format_rate(rate, text, sizeof(text));
	format_elapsed(wait_ms, wait, sizeof(wait));
	(void)snprintf(out, size, " (%s %s; room in %s)", what, text, wait);
}

/* Details of the reason: " (limit 4)". */
static void describe_refusal(const struct gate *gate, enum refusal reason, char *out, size_t size)
{
	const struct config_service *service = gate->service;
	const struct config_access *access = &service->access;
	char text[32], limit[32];

	out[0] = '\0';
	switch (reason) {
	case REFUSED_DENIED:
		describe_rule(gate->visit.verdict.rule, out, size);
		break;
	case REFUSED_PENALTY:
		format_elapsed(gate->visit.verdict.wait_ms, text, sizeof(text));
		(void)snprintf(out, size, " (for another %s)", text);
		break;
	case REFUSED_PER_SOURCE:
		(void)snprintf(out, size, " (limit %" PRId64 ")", access->per_source);
		break;
	case REFUSED_PER_SOURCE_RATE:
		describe_wait("limit", gate->source_rate, gate->visit.verdict.wait_ms, out, size);
		break;
	case REFUSED_RATE:
		describe_wait("limit", &access->rate, gate->visit.verdict.wait_ms, out, size);
		break;
	case REFUSED_RESERVED:
		(void)snprintf(out, size, " (%zu connections, %" PRId64 " workers are reserved)", gate->visit.taken.all,
			       access->reserve);
		break;
	case REFUSED_FULL:
		(void)snprintf(out, size, " (%zu connections)", gate->visit.taken.all);
		break;
	case REFUSED_TIME:
		(void)snprintf(out, size, " (outside of access.times)");
		break;
	case REFUSED_LOAD:
		format_hundredths(gate->visit.load, text, sizeof(text));
		format_hundredths(access->max_load, limit, sizeof(limit));
		(void)snprintf(out, size, " (%s, access.max_load is %s)", text, limit);
		break;
	case REFUSED_QUEUED_SILENT:
		format_duration(service->timeouts.first_byte_busy, text, sizeof(text));
		(void)snprintf(out, size, " (no first byte within %s, timeouts.first_byte_busy)", text);
		break;
	case REFUSED_PROXY_MISSING:
	case REFUSED_PROXY_MALFORMED:
	case REFUSED_PROXY_TIMEOUT:
	case REFUSED_PROXY_UNTRUSTED:
		if (gate->visit.err.text[0] != '\0')
			(void)snprintf(out, size, " (%s)", gate->visit.err.text);
		break;
	case REFUSED_NOT:
	case REFUSED_NOT_ALLOWED:
	case REFUSED_EVICTED:
	case REFUSED_ANSWER_PORT:
	case REFUSED_ANSWER_SIZE:
	case REFUSALS:
		break;
	}
}

/* May this refusal be logged? One line in ten seconds for each reason, for all workers of the service together.
 * *UNTOLD_OUT: how many have not been logged since the last line. */
static bool may_log(struct board_head *head, enum refusal reason, unsigned *untold_out)
{
	int64_t now = clock_coarse_ms();
	int64_t next = atomic_load_explicit(&head->next_refusal_ms[reason], memory_order_relaxed);

	/* a time too far ahead is damaged */
	if ((now < next && next - now <= LOG_EVERY_MS) ||
	    !atomic_compare_exchange_strong(&head->next_refusal_ms[reason], &next, now + LOG_EVERY_MS)) {
		(void)atomic_fetch_add_explicit(&head->refusals_untold[reason], 1, memory_order_relaxed);
		return false;
	}
	*untold_out = atomic_exchange_explicit(&head->refusals_untold[reason], 0, memory_order_relaxed);
	return true;
}

static void log_line(const struct gate *gate, struct preforkd_conn *conn, const char *message_id, unsigned untold,
		     const char *text)
{
	struct log_about about = {
		.service = gate->service->name,
		.peer = preforkd_peer(conn),
		.worker = getpid(),
		.message_id = message_id,
	};

	if (untold > 0)
		log_about(LOG_NOTICE, &about, "%s; %u more since the last such line", text, untold);
	else
		log_about(LOG_NOTICE, &about, "%s", text);
}

static void log_refusal(const struct gate *gate, struct preforkd_conn *conn, enum refusal reason)
{
	char text[900], why[700], via[CONN_VIA_MAX];
	unsigned untold;

	if (!log_enabled(LOG_NOTICE) || !may_log(gate->head, reason, &untold))
		return;
	describe_refusal(gate, reason, why, sizeof(why));
	(void)snprintf(text, sizeof(text), "refused: %s%s%s", refusal_name(reason), why,
		       conn_via_text(conn, via, sizeof(via)));
	log_line(gate, conn, MESSAGE_ID_REFUSED, untold, text);
}

/* ---- what is remembered ---- */

static void remember_refusal(struct gate *gate, struct preforkd_conn *conn, enum refusal reason)
{
	struct sources_refusal refusal = {.at_ms = clock_coarse_ms(), .reason = reason};
	char text[160];
	unsigned untold;

	if (gate->sources == NULL)
		return;
	refusal.key = gate_key(gate, conn);
	for (size_t i = 0; i < sizeof(refusal.peer) / sizeof(refusal.peer[0]); i++)
		refusal.peer[i] = atomic_load_explicit(&gate->slot->peer[i], memory_order_relaxed);
	sources_refusal_note(gate->sources, &refusal);
	if (!penalty_is_fault(reason) || gate->visit.exempt || conn_may_be_forged(conn))
		return; /* a forged address must not get its owner penalized */
	if (penalty_fault(gate->sources, gate->service, refusal.key, FAULT_REFUSAL, refusal.at_ms, text,
			  sizeof(text)) &&
	    may_log(gate->head, REFUSED_NOT, &untold))
		log_line(gate, conn, MESSAGE_ID_PENALIZED, untold, text);
}

/* ---- the end of the connection ---- */

static void end_connection(struct gate *gate, struct preforkd_conn *conn, bool last_idle)
{
	static const struct linger reset = {.l_onoff = 1};
	const struct config_access *access = &gate->service->access;
	bool heard = false;

	deadline_end();
	if (access->banner != NULL && access->banner[0] != '\0') /* does not block: as much as there is room for */
		heard = send(conn->fd, access->banner, strlen(access->banner), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
	if (access->refusal == REFUSAL_RESET) {
		(void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		fd_close(&conn->fd);
	} else { /* a lingering close reads what the client has sent: unread bytes would turn the close into a reset */
		linger_close_within(&conn->fd, heard ? REFUSE_LINGER_MS : 0, last_idle ? gate->listener : -1);
	}
}

void refuse_count(struct gate *gate, struct preforkd_conn *conn, enum refusal reason)
{
	board_count(&gate->slot->refused[reason], 1);
	if (reason == REFUSED_FULL || reason == REFUSED_RESERVED)
		atomic_store_explicit(&gate->head->turned_away_ms, clock_coarse_ms(), memory_order_relaxed);
	remember_refusal(gate, conn, reason);
}

void refuse_datagram(struct gate *gate, struct preforkd_conn *conn, enum refusal reason)
{
	refuse_count(gate, conn, reason);
	log_refusal(gate, conn, reason);
}

void refuse_client(struct gate *gate, struct preforkd_conn *conn, enum refusal reason, bool last_idle)
{
	if (gate->visit.empty) {
		board_count(&gate->slot->accepted, 1);
		board_count(&gate->slot->probes, 1);
	} else {
		refuse_datagram(gate, conn, reason);
	}
	end_connection(gate, conn, last_idle);
}
