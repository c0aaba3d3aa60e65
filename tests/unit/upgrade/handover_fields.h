/* SPDX-License-Identifier: MIT */
/* The fields of what is handed over that have no row, each with the reason. */
#ifndef PREFORKD_TESTS_HANDOVER_FIELDS_H
#define PREFORKD_TESTS_HANDOVER_FIELDS_H

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "board/board.h"
#include "board/death.h"
#include "board/sources.h"
#include "change/jobs.h"
#include "change/operation.h"
#include "config/config.h"
#include "fleet/member.h"
#include "listeners/listener.h"
#include "pool/pool.h"
#include "pool/program.h"
#include "pool/program_notify.h"
#include "pool/worker_output.h"
#include "upgrade/handover.h"
#include "upgrade/handover_tables.h"

#include "../suite.h"

/* A field, or several that follow each other, without a row. */
struct field {
	const char *name;
	size_t offset, size;
};

#define FIELD(in, field)                                                                                               \
	{                                                                                                              \
#field, offsetof(in, field), sizeof(((in *)0)->field)                                                  \
	}

static const struct field no_fields[] = {{"", 0, 0}};
/* has_news: jobs are news to the new image's clients only when it finishes them itself. */
static const struct field jobs_fields[] = {
	FIELD(struct jobs, open),
	FIELD(struct jobs, done),
	FIELD(struct jobs, n_done),
	FIELD(struct jobs, has_news),
	/* GCC 12 does not see the padding behind an array of structs */
	{"padding", offsetof(struct jobs, has_news) + sizeof(bool),
	 sizeof(struct jobs) - offsetof(struct jobs, has_news) - sizeof(bool)},
};
static const struct field job_fields[] = {
	FIELD(struct job, reasons),
	FIELD(struct job, next),
};
static const struct field member_fields[] = {
	FIELD(struct member, name),    FIELD(struct member, now),  FIELD(struct member, waiting),
	FIELD(struct member, rolling), FIELD(struct member, refs), FIELD(struct member, hh),
};
static const struct field operation_fields[] = {
	FIELD(struct operation, kind),	  FIELD(struct operation, all),	    FIELD(struct operation, member),
	FIELD(struct operation, remarks), FIELD(struct operation, is_over), FIELD(struct operation, due_ms),
	FIELD(struct operation, prev),	  FIELD(struct operation, next),
};
static const struct field sources_fields[] = {
	FIELD(struct sources, map),	  FIELD(struct sources, size),	  FIELD(struct sources, refs),
	FIELD(struct sources, seat_used), FIELD(struct sources, n_seats),
};
/* By hand: state, fingerprint, service, listeners, board, procs, own, totals, sources, notify, occasion. The new image
 * does not go on rolling or growing such a pool: limits, copies, policy, full. A pause is the member's. */
static const struct field pool_fields[] = {
	FIELD(struct pool, event),
	FIELD(struct pool, state),
	FIELD(struct pool, generation),
	FIELD(struct pool, family),
	FIELD(struct pool, service),
	FIELD(struct pool, stand_in),
	FIELD(struct pool, limits.min_spare),
	FIELD(struct pool, limits.max_spare),
	FIELD(struct pool, limits.max_requests),
	FIELD(struct pool, limits.on_full),
	FIELD(struct pool, limits.max_age),
	FIELD(struct pool, limits.max_memory),
	FIELD(struct pool, limits.max_unavailable),
	FIELD(struct pool, hours),
	FIELD(struct pool, listeners),
	FIELD(struct pool, n_lanes),
	FIELD(struct pool, board),
	FIELD(struct pool, output),
	FIELD(struct pool, ring),
	FIELD(struct pool, ring_source),
	FIELD(struct pool, ring_timer),
	FIELD(struct pool, rung_us),
	FIELD(struct pool, on_ring),
	FIELD(struct pool, on_ring_data),
	FIELD(struct pool, dead),
	FIELD(struct pool, policy),
	FIELD(struct pool, lanes),
	FIELD(struct pool, lane_memory),
	FIELD(struct pool, looked_ms),
	FIELD(struct pool, is_rolling),
	FIELD(struct pool, n_lost),
	FIELD(struct pool, last_end),
	FIELD(struct pool, crashes),
	FIELD(struct pool, fingerprint),
	FIELD(struct pool, notify),
	FIELD(struct pool, procs),
	FIELD(struct pool, n_procs),
	FIELD(struct pool, by_pid),
	FIELD(struct pool, own),
	FIELD(struct pool, totals),
	FIELD(struct pool, sources),
	FIELD(struct pool, full),
	FIELD(struct pool, occasion),
	FIELD(struct pool, failed_start),
	FIELD(struct pool, suspects),
	FIELD(struct pool, paused),
	FIELD(struct pool, prev),
	FIELD(struct pool, next),
};
/* By hand: upstreams, socket. The others are of no use to workers that run already. */
static const struct field service_fields[] = {
	FIELD(struct config_service, origin),
	FIELD(struct config_service, enabled),
	FIELD(struct config_service, optional),
	FIELD(struct config_service, obstacle),
	FIELD(struct config_service, handler),
	FIELD(struct config_service, listen),
	FIELD(struct config_service, n_listen),
	FIELD(struct config_service, listen_origin),
	FIELD(struct config_service, resolved),
	FIELD(struct config_service, backlog_written),
	FIELD(struct config_service, command),
	FIELD(struct config_service, module),
	FIELD(struct config_service, options),
	FIELD(struct config_service, identity),
	FIELD(struct config_service, workers),
	FIELD(struct config_service, timeouts.first_byte),
	FIELD(struct config_service, timeouts.idle),
	FIELD(struct config_service, timeouts.total),
	FIELD(struct config_service, timeouts.first_byte_busy),
	FIELD(struct config_service, timeouts.send),
	FIELD(struct config_service, timeouts.half_closed),
	FIELD(struct config_service, timeouts.prove),
	FIELD(struct config_service, access),
	FIELD(struct config_service, penalty),
	FIELD(struct config_service, proxy_protocol),
	FIELD(struct config_service, on_hangup),
	FIELD(struct config_service, banner),
	FIELD(struct config_service, on_cut),
	FIELD(struct config_service, upstreams),
	FIELD(struct config_service, sandbox),
	FIELD(struct config_service, program.argv0),
	FIELD(struct config_service, program.argv),
	FIELD(struct config_service, program.environment),
	FIELD(struct config_service, program.listener_fd),
	FIELD(struct config_service, program.directory),
	FIELD(struct config_service, program.umask),
	FIELD(struct config_service, program.nice),
	FIELD(struct config_service, program.oom_score_adjust),
	FIELD(struct config_service, limits),
	FIELD(struct config_service, socket),
};
static const struct field board_fields[] = {
	FIELD(struct board, head), FIELD(struct board, lanes), FIELD(struct board, slots),
	FIELD(struct board, size), FIELD(struct board, used),  FIELD(struct board, next),
};
static const struct field counts_fields[] = {FIELD(struct counts, refused)};
static const struct field notify_fields[] = {FIELD(struct program_notify, source), FIELD(struct program_notify, timer)};
static const struct field listener_fields[] = {
	FIELD(struct listener, text),	   FIELD(struct listener, trouble), FIELD(struct listener, told),
	FIELD(struct listener, mended_ms), FIELD(struct listener, lender),  FIELD(struct listener, rival),
};
/* A worker that is spent or was asked to let its client go leaves in any case: its pool has been superseded. */
static const struct field worker_fields[] = {
	FIELD(struct proc, pool),     FIELD(struct proc, board),      FIELD(struct proc, succeeded),
	FIELD(struct proc, ready_ms), FIELD(struct proc, outlived),   FIELD(struct proc, predecessor),
	FIELD(struct proc, evict_ms), FIELD(struct proc, evict_turn), FIELD(struct proc, sampled_ms),
	FIELD(struct proc, program),  FIELD(struct proc, by_pid),     FIELD(struct proc, seen),
	FIELD(struct proc, seen_own), FIELD(struct proc, seen_ms),    FIELD(struct proc, heard),
	FIELD(struct proc, lingers),  FIELD(struct proc, prev),	      FIELD(struct proc, next),
};
static const struct field program_fields[] = {FIELD(struct program, output)};
static const struct field worker_output_fields[] = {
	FIELD(struct worker_output, write_end), FIELD(struct worker_output, source), FIELD(struct worker_output, timer),
	FIELD(struct worker_output, text),	FIELD(struct worker_output, used),
};
static const struct field output_fields[] = {
	FIELD(struct program_output, source), FIELD(struct program_output, service), FIELD(struct program_output, pid),
	FIELD(struct program_output, lines),  FIELD(struct program_output, last),
};

#endif
