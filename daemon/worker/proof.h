/* SPDX-License-Identifier: MIT */
/*
 * Worker and master. The first worker of a new generation proves that it can be set up, and accepts no client before
 * the master has decided, because the reload may still fail elsewhere. They talk over a socketpair (SOCK_SEQPACKET),
 * one message each way: the worker sends PROOF_PROVEN, or PROOF_FAILED and the reason; the master sends PROOF_GO. The
 * end of file means that the reload has failed.
 */
#ifndef PREFORKD_WORKER_PROOF_H
#define PREFORKD_WORKER_PROOF_H

#include <stdbool.h>

#define PROOF_PROVEN   '+'
#define PROOF_FAILED   '-' /* followed by the reason: at most PROOF_TEXT_MAX bytes, without a NUL */
#define PROOF_GO       '!'
#define PROOF_TEXT_MAX 512

/* Worker: sends PROOF_PROVEN and blocks until the master has decided. All signals are blocked but inside the wait.
 * False: the worker is to leave. */
bool proof_wait(int proof);

/* Worker: its set-up has failed, because of TEXT. */
void proof_fail(int proof, const char *text);

#endif
