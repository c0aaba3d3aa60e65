/* SPDX-License-Identifier: MIT */
/*
 * Master. The record of an optional service that cannot be had: why, and when it is tried again. It belongs to the
 * service's member, and exists until a worker of the service is ready. There are two ways to wait: without a pool, for
 * an address, a name, a program (fleet/reopen.h tries again), and with a pool whose workers cannot start (its policy
 * does).
 */
#ifndef PREFORKD_FLEET_WAITING_H
#define PREFORKD_FLEET_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/trial.h"

#define WAITING_FOR_WORKERS "its workers cannot start"

#define WAITING_FIRST_MS 1000 /* from the first failure to the next try; each further failure doubles it */
#define WAITING_LAST_MS	 30000

struct waiting {
	char why[320];
	int64_t since_ms, next_ms, delay_ms; /* ms of the clock; the time to the next try */
	struct trial trial;		     /* the child that looks for obstacles, in which a look-up may block */
	bool is_clear;			     /* it has found none: the service may be opened */
};

/* A try to have SERVICE (NULL: the caller logs it) has failed because of WHY. The first failure is logged, and makes
 * the record if *WAITING is NULL; without memory there is none. */
void waiting_failed(struct waiting **waiting, const char *service, const char *why);

/* Ends the trial, too. NULL is allowed; *waiting becomes NULL. */
void waiting_free(struct waiting **waiting);

#endif
