/* SPDX-License-Identifier: MIT */
/*
 * preforkctl. Signals as something that poll(2) sees: a handler writes the number of the signal into a pipe. Unlike
 * with a signalfd, the signal also interrupts a write to a terminal that takes no bytes.
 */
#ifndef PREFORKD_CTL_SIGNAL_PIPE_H
#define PREFORKD_CTL_SIGNAL_PIPE_H

#include <stddef.h>

struct err;

/* From now on these signals go into the pipe, except those that were ignored when preforkctl was started. Returns the
 * descriptor to wait for; -1 and *err on failure. */
int signal_pipe_open(const int *signals, size_t n, struct err *err);

/* The next signal in the pipe; 0: none. */
int signal_pipe_take(void);

/* Raises SIG with its default action. Returns only if that action was to stop the process, after SIGCONT; from then on
 * the signal goes into the pipe again. */
void signal_pipe_obey(int sig);

#endif
