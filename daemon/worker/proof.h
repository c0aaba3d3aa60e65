/* SPDX-License-Identifier: MIT */
/*
 * The first worker of a new generation proves that it can be set up, and takes no client before the master has
 * decided: the reload may still fail elsewhere. A socketpair (SOCK_SEQPACKET), one message each way: the worker says
 * "+", or "-" and why not; the master says "!". The end of file says no.
 */
#ifndef PREFORKD_WORKER_PROOF_H
#define PREFORKD_WORKER_PROOF_H

#include <stdbool.h>

#define HOLD_PROVEN   '+'
#define HOLD_FAILED   '-' /* followed by the reason, no more than HOLD_TEXT_MAX bytes, not terminated */
#define HOLD_GO	      '!'
#define HOLD_TEXT_MAX 512

/* The worker's side. Says that it is ready, and waits with only ppoll(2) letting signals in; they are blocked
 * otherwise. False: it is to leave. */
bool hold_until_go(int hold);

/* The worker cannot be set up; TEXT says why. */
void hold_fail(int hold, const char *text);

#endif
