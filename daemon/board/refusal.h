/* SPDX-License-Identifier: MIT */
/* Any process. Why a client was refused, and the names of the reasons in status, in the log and in explain. Add new
 * ones at the end, and never rename one: their numbers are on the board. */
#ifndef PREFORKD_BOARD_REFUSAL_H
#define PREFORKD_BOARD_REFUSAL_H

enum refusal {
	REFUSED_NOT,		 /* the client is let in */
	REFUSED_DENIED,		 /* "denied": by a rule of access.deny */
	REFUSED_NOT_ALLOWED,	 /* "not_allowed": access.allow exists, and the client is not in it */
	REFUSED_PENALTY,	 /* "penalty" */
	REFUSED_PER_SOURCE,	 /* "per_source": its source has the maximum of connections */
	REFUSED_PER_SOURCE_RATE, /* "per_source_rate" */
	REFUSED_RATE,		 /* "rate": of the whole service */
	REFUSED_RESERVED,	 /* "reserved": only reserved workers are left */
	REFUSED_FULL,		 /* "full": all workers are busy, workers.on_full = "refuse" */
	REFUSED_QUEUED_SILENT,	 /* "queued_silent": it sent nothing in the queue for first_byte_busy */
	REFUSED_EVICTED,	 /* "evicted": it gave way to another client, workers.on_full = "evict" */
	REFUSED_PROXY_MISSING,	 /* "proxy_missing": a trusted proxy sent no header */
	REFUSED_PROXY_MALFORMED, /* "proxy_malformed" */
	REFUSED_PROXY_TIMEOUT,	 /* "proxy_timeout" */
	REFUSED_PROXY_UNTRUSTED, /* "proxy_untrusted": not in proxy_protocol.from */
	REFUSED_ANSWER_PORT,	 /* "answer_port": a datagram from a port whose server would answer our answer */
	REFUSED_ANSWER_SIZE,	 /* "answer_size": the answer to a datagram would be larger than allowed */
	REFUSED_TIME,		 /* "time": outside of access.times */
	REFUSED_LOAD,		 /* "load": the load average is at or above access.max_load */
	REFUSALS
};

/* "denied", ...; "" for REFUSED_NOT and for a number that is no reason. */
const char *refusal_name(enum refusal refusal);

#endif
