/* SPDX-License-Identifier: MIT */
/*
 * Any process. Signals that must have no effect. They get a handler that does nothing instead of SIG_IGN: exec(2)
 * resets a caught signal to its default, but every program that we run would inherit an ignored one.
 */
#ifndef PREFORKD_BASE_SIGNALS_H
#define PREFORKD_BASE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* For every signal whose default would end this process: HUP, INT, QUIT, PIPE, USR1, USR2, TERM, the timers, the
 * real-time signals ... Not for signals of a bug (SEGV ...) and of job control. CHLD is set to its default, because an
 * inherited SIG_IGN would swallow exit statuses. Set other handlers after this call. */
void signals_harmless(void);

/* Sets a handler that runs with all signals blocked, without SA_RESTART: system calls that it interrupts fail with
 * EINTR, so that the caller notices. INFO has the sender (sigaction(2)). */
void signals_handle(int sig, void (*handler)(int sig, siginfo_t *info, void *context));

/* Blocks all signals; *before is the mask until now. Before an exec: signals that arrive while the new image has not
 * set its handlers yet wait. */
void signals_block_all(sigset_t *before);

/* True for SIG_DFL and for the handler of signals_harmless(), which exec(2) resets. */
bool signals_is_harmless(const struct sigaction *action);

#endif
