/* SPDX-License-Identifier: MIT */
/*
 * Master. The state that one image of this program leaves to the next, as JSON in a memfd: pools with their listeners,
 * boards and workers, counters, orders and verdicts. Descriptors are named by number and survive the exec.
 *
 *	handover_tables  which fields are handed over
 *	handover_rows    writes and reads a struct by such a table
 *	handover_write   collects the state of this image
 *	handover_read    restores the state of the image before
 *	handover_memfd   the memfd, and the descriptors that must survive
 *	handover_env     how the next image finds the memfd
 */
#ifndef PREFORKD_UPGRADE_HANDOVER_H
#define PREFORKD_UPGRADE_HANDOVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Raise it with every change that an older or newer image would misread. An image refuses other formats than its own,
 * which is found in the rehearsal. A new key that may be missing needs no new number. */
#define HANDOVER_FORMAT 7

struct err;
struct operations;

/* The facts that the next image must know before anything else. */
struct handover_head {
	int format;	     /* HANDOVER_FORMAT of the image that wrote it */
	int pid;	     /* the master's: both images are the same process */
	unsigned job;	     /* the upgrade's; 0: nobody waits for it */
	char version[32];    /* of the program that was replaced */
	unsigned generation; /* the number of the generation that was in force */
	int64_t started_ms;  /* of the daemon; ms of the clock */
	bool background;     /* the daemon runs in the background: its standard error leads nowhere */
	bool drained;	     /* fleet.h */
	unsigned drain_job;  /* of a drain that goes on; 0: there is none, or nobody waits for it */
};

/* Collects the state of OPS and its fleet; JOB is the upgrade's. NULL: no memory. */
json_t *handover_collect(const struct operations *ops, unsigned job);

/* Writes HANDOVER into a new memfd, close-on-exec, which is the caller's. -1 and *err: HANDOVER is NULL (no memory), or
 * no resources. */
int handover_write(const json_t *handover, struct err *err);

/* Reads what handover_write() wrote; FD stays the caller's. NULL and *err: it is not readable, of another format, or
 * not for the process MASTER_PID. */
json_t *handover_read(int fd, int master_pid, struct err *err);

/* The head of HANDOVER. Fields that make no sense are 0. */
struct handover_head handover_head(const json_t *handover);

/* Makes all descriptors in HANDOVER survive an exec (KEEP), or not. */
void handover_keep(const json_t *handover, bool keep);

/*
 * Makes HANDOVER the state of OPS. The pools are in ops->fleet->retiring, superseded or ending, and lend their
 * listeners. -1 and *err: something in it makes no sense, or there is no memory; OPS has a part of it then.
 */
int handover_restore(struct operations *ops, const json_t *handover, struct err *err);

#endif
