/* SPDX-License-Identifier: MIT */
/*
 * Signals as something that poll(2) sees: a handler writes their numbers into a pipe. They also
 * interrupt a write to a terminal that takes nothing, which a signalfd would not.
 */
#ifndef PREFORKD_CTL_SIGNAL_PIPE_H
#define PREFORKD_CTL_SIGNAL_PIPE_H

#include <stddef.h>

struct err;

/* From now on these signals go into the pipe, except those that whoever started us wants ignored.
 * Returns the descriptor to wait for. */
int signal_pipe_open(const int *signals, size_t n, struct err *err);

/* The next signal that came, 0 if there is none. */
int signal_pipe_take(void);

/* Lets SIG do what it would do by itself, now. If that is no more than a stop, returns after it,
 * and the signal goes into the pipe again. */
void signal_pipe_obey(int sig);

#endif
