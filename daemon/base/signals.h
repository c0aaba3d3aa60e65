/* SPDX-License-Identifier: MIT */
/*
 * Signals that must change nothing. They get a handler that does nothing rather than SIG_IGN: a caught signal
 * goes back to its default at exec(2) by itself, an ignored one would be inherited by every program that we run.
 */
#ifndef PREFORKD_BASE_SIGNALS_H
#define PREFORKD_BASE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Every signal that would end this process from outside without a reason: HUP, INT, QUIT, PIPE, USR1, USR2, TERM,
 * the timers, the real-time ones ... Not those that mean a bug (SEGV ...), job control, or CHLD (which is set to its
 * default, for an inherited SIG_IGN would swallow exit statuses). Handlers of one's own are set afterwards. */
void signals_harmless(void);

/* A handler with every other signal held off while it runs, and without SA_RESTART: calls that it
 * interrupts return EINTR, so that what it has set is seen. INFO says who sent it (sigaction(2)). */
void signals_handle(int sig, void (*handler)(int sig, siginfo_t *info, void *context));

/* Is this disposition one that exec(2) resets and that does no harm until then? */
bool signals_is_harmless(const struct sigaction *action);

#endif
