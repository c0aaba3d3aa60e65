/* SPDX-License-Identifier: MIT */
/*
 * Any process. The death of a worker or of a program, as the log and the status tell it. Fixed size, no pointers: the
 * board carries it (death_record.h), the master keeps the last ones of each service (deaths.h), and an upgrade hands
 * them over.
 */
#ifndef PREFORKD_BOARD_DEATH_H
#define PREFORKD_BOARD_DEATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "board/packed_address.h"

struct rusage;

/* Their numbers are on the board and in the hand-over: add new ones at the end. */
enum death_kind { DEATH_WORKER, DEATH_PROGRAM, DEATH_KINDS };

enum death_phase {
	DEATH_STARTING, /* it was not ready yet */
	DEATH_IDLE,	/* it had no client */
	DEATH_WAITING,	/* the client had not sent its first byte */
	DEATH_SERVING,
	DEATH_FINISHING, /* the service had finished, and the client was given the rest */
	DEATH_LEAVING,	 /* it had no client, and was about to exit */
	DEATH_PHASES
};

#define DEATH_REASON_MAX 96
#define DEATH_UNCOUNTED	 UINT64_MAX /* bytes that nobody had counted yet */

struct death {
	int64_t at_ms; /* of the clock */
	pid_t pid;
	enum death_kind kind;
	enum death_phase phase;
	int status;	  /* of waitpid(2) */
	int64_t age_ms;	  /* of the connection; of the process, if it served no client */
	uint64_t in, out; /* bytes, or DEATH_UNCOUNTED both */
	int64_t cpu_us;	  /* CPU time, user and system together */
	int64_t max_rss;  /* the most memory that it had at a time; bytes */
	uint64_t peer[PACKED_ADDRESS_WORDS];
	uint64_t via[PACKED_ADDRESS_WORDS]; /* the proxy between; of no family: there is none */
	char reason[DEATH_REASON_MAX];	    /* what is known beyond all that; "": nothing */
};

/* "worker", "program"; "starting", "idle", "waiting", "serving", "finishing", "leaving". "" for another number. */
const char *death_kind_name(enum death_kind kind);
const char *death_phase_name(enum death_phase phase);

/* It served a client when it died: one client, which is known. */
bool death_has_client(const struct death *death);

/* Takes over CPU time and memory. USAGE may be NULL: they are not known. */
void death_set_usage(struct death *death, const struct rusage *usage);

/* Fills in the reason that the signal itself tells, if there is no other yet. */
void death_explain(struct death *death);

/* STATUS is one that waitpid(2) gives for a process that has ended. */
bool death_is_status(int status);

/* The rest of a log line, behind how the process ended, as in "; serving, after 1.2s, 5 bytes in, 0 bytes out, via
 * 10.0.0.1:4711; 10ms of CPU time, 3400K of memory". Returns OUT. */
#define DEATH_DETAILS_MAX 512
const char *death_details(const struct death *death, char *out, size_t size);

/* The fields of a journal entry (base/log.h, about.fields). Returns OUT. */
#define DEATH_FIELDS_MAX 512
const char *death_fields(const struct death *death, char *out, size_t size);

#endif
