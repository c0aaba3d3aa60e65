/* SPDX-License-Identifier: MIT */
#include "signal_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/err.h"
#include "base/signals.h"

static int ends[2] = {-1, -1};

static void write_signal(int sig, siginfo_t *info, void *context)
{
	unsigned char byte = (unsigned char)sig;
	int saved = errno;

	(void)info;
	(void)context;
	/* EAGAIN: a full pipe wakes the reader as well */
	if (write(ends[1], &byte, 1) < 0)
		errno = saved;
}

int signal_pipe_open(const int *signals, size_t n, struct err *err)
{
	struct sigaction action;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, "cannot make a pipe");
	for (size_t i = 0; i < n; i++)
		if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			signals_handle(signals[i], write_signal);
	return ends[0];
}

int signal_pipe_take(void)
{
	unsigned char byte;

	return read(ends[0], &byte, 1) == 1 ? byte : 0;
}

void signal_pipe_obey(int sig)
{
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
	signals_handle(sig, write_signal);
}
