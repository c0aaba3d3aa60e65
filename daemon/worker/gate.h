/* SPDX-License-Identifier: MIT */
/*
 * The first worker of a new generation proves that it can be set up, and takes no client before the master has
 * decided: the reload may still fail elsewhere. A socketpair (SOCK_SEQPACKET), one message each way: the worker says
 * "+", or "-" and why not; the master says "!". The end of file says no.
 */
#ifndef PREFORKD_WORKER_GATE_H
#define PREFORKD_WORKER_GATE_H

#include <stdbool.h>

#define GATE_PROVEN '+'
#define GATE_FAILED '-' /* followed by the reason, no more than GATE_TEXT_MAX bytes, not terminated */
#define GATE_GO '!'
#define GATE_TEXT_MAX 512

/* The worker's side. Says that it is ready, and waits with only ppoll(2) letting signals in; they are blocked
 * otherwise. False: it is to leave. */
bool gate_pass(int gate);

/* The worker cannot be set up; TEXT says why. */
void gate_fail(int gate, const char *text);

#endif
