/* SPDX-License-Identifier: MIT */
/* Master. Reports: the state of the daemon to systemd (sd_notify(3)), and to the log on SIGUSR1. */
#ifndef PREFORKD_MASTER_REPORT_H
#define PREFORKD_MASTER_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct inherited_set;
struct operations;

struct report {
	const struct operations *ops;
	unsigned n_begun, n_ended; /* those of `ops` that were reported */
	bool has_started;	   /* READY=1 has been sent */
	bool is_due;		   /* there was a tick: the numbers in STATUS= may have changed */
	int64_t extend_ms;	   /* when EXTEND_TIMEOUT_USEC= is sent next; ms of the clock */
	char status[768];	   /* the last STATUS= line */
};

/* To be called after each sweep of the operations. Sends RELOADING=1 if a changer began, READY=1 if the start or a
 * changer is over, and STATUS= if it has changed. */
void report_changes(struct report *report);

/* To be called at each tick. While an operation runs that the service manager waits for, sends EXTEND_TIMEOUT_USEC=
 * every few seconds, because it may take as long as the programs need. */
void report_patience(struct report *report);

/* Logs the inherited descriptors that are no listeners. */
void report_unfit(const struct inherited_set *inherited);

/* Logs the others that no service has taken, and refuses their clients. */
void report_leftovers(const struct inherited_set *inherited);

/* Logs the state of the daemon, and one line for each pool and each lane. */
void report_dump(const struct report *report);

#endif
