/* SPDX-License-Identifier: MIT */
/* Why a client was turned away: the names in status, in the log, and in explain. Add at the end, never rename. */
#ifndef PREFORKD_BOARD_REFUSAL_H
#define PREFORKD_BOARD_REFUSAL_H

enum refusal {
	REFUSED_NOT,		 /* it is let in */
	REFUSED_DENIED,		 /* "denied": by a rule of access.deny */
	REFUSED_NOT_ALLOWED,	 /* "not_allowed": there is access.allow, and it is not in it */
	REFUSED_PENALTY,	 /* "penalty" */
	REFUSED_PER_SOURCE,	 /* "per_source": has as many connections as one source may */
	REFUSED_PER_SOURCE_RATE, /* "per_source_rate" */
	REFUSED_RATE,		 /* "rate": of the service */
	REFUSED_RESERVED,	 /* "reserved": only reserved workers are left */
	REFUSED_FULL,		 /* "full": workers.on_full = "refuse" */
	REFUSED_QUEUED_SILENT,	 /* "queued_silent": waited in the queue for first_byte_busy, and sent nothing */
	REFUSED_EVICTED,	 /* "evicted": gave way, workers.on_full = "evict" */
	REFUSED_PROXY_MISSING,	 /* "proxy_missing": a proxy that sent no header */
	REFUSED_PROXY_MALFORMED, /* "proxy_malformed" */
	REFUSED_PROXY_TIMEOUT,	 /* "proxy_timeout" */
	REFUSED_PROXY_UNTRUSTED, /* "proxy_untrusted": not a proxy, on a service for proxies */
	REFUSED_ANSWER_PORT,	 /* "answer_port": a datagram from a port whose service might answer ours, for ever */
	REFUSED_ANSWER_SIZE,	 /* "answer_size": the answer to a datagram would have been larger than that */
	REFUSALS
};

/* "denied", ...; "" for REFUSED_NOT and for numbers that are none. */
const char *refusal_name(enum refusal refusal);

#endif
