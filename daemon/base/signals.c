/* SPDX-License-Identifier: MIT */
#include "base/signals.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static void do_nothing(int sig)
{
	(void)sig;
}

/*
 * The two signals below SIGRTMIN belong to the C library, whose sigaction(3) refuses them. But we may have inherited
 * them as ignored, and so would every program that we run.
 */
static void reset_reserved(void)
{
	static const unsigned long standard[8]; /* the kernel's struct sigaction: all zero is SIG_DFL */

	for (int sig = 32; sig < SIGRTMIN; sig++)
		(void)syscall(SYS_rt_sigaction, sig, standard, NULL, _NSIG / 8);
}

void signals_harmless(void)
{
	static const int named[] = {
		SIGHUP,	   SIGINT,  SIGQUIT, SIGPIPE,	SIGALRM, SIGTERM, SIGUSR1, SIGUSR2,
		SIGVTALRM, SIGPROF, SIGIO,   SIGSTKFLT, SIGPWR,	 SIGXFSZ, SIGXCPU,
	};
	struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
	struct sigaction standard = {.sa_handler = SIG_DFL};

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		(void)sigaction(named[i], &action, NULL);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		(void)sigaction(sig, &action, NULL);
	(void)sigaction(SIGCHLD, &standard, NULL);
	reset_reserved();
}

void signals_handle(int sig, void (*handler)(int sig, siginfo_t *info, void *context))
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	(void)sigfillset(&action.sa_mask);
	(void)sigaction(sig, &action, NULL);
}

void signals_block_all(sigset_t *before)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, before);
}

bool signals_is_harmless(const struct sigaction *action)
{
	return action->sa_handler == SIG_DFL || action->sa_handler == do_nothing;
}
