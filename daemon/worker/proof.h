/* SPDX-License-Identifier: MIT */
/*
 * The first worker of a new generation proves that it can be set up, and takes no client before the master has
 * decided: the reload may still fail elsewhere. A socketpair (SOCK_SEQPACKET), one message each way: the worker says
 * "+", or "-" and why not; the master says "!". The end of file says no.
 */
#ifndef PREFORKD_WORKER_PROOF_H
#define PREFORKD_WORKER_PROOF_H

#include <stdbool.h>

#define PROOF_PROVEN   '+'
#define PROOF_FAILED   '-' /* followed by the reason, no more than PROOF_TEXT_MAX bytes, not terminated */
#define PROOF_GO       '!'
#define PROOF_TEXT_MAX 512

/* The worker's side. Says that it is ready, and waits with only ppoll(2) letting signals in; they are blocked
 * otherwise. False: it is to leave. */
bool proof_wait(int proof);

/* The worker cannot be set up; TEXT says why. */
void proof_fail(int proof, const char *text);

#endif
