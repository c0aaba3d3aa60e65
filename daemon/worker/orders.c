/* SPDX-License-Identifier: MIT */
#include "worker/orders.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/signals.h"
#include "services/deadline.h"
#include "worker/contract.h"

static volatile sig_atomic_t leave;
static _Atomic uint32_t *told_flag; /* lock-free, so a handler may write it */
static int listener_fd, dead_fd;
static pid_t master_pid;

static void stop_taking(void)
{
	leave = 1;
	/* dup3, because dup2 would clear close-on-exec */
	(void)dup3(dead_fd, listener_fd, O_CLOEXEC);
	/* only now: who reads it relies on no further accept */
	atomic_store(told_flag, 1);
}

static void on_retire(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)sig;
	(void)info;
	(void)context;
	stop_taking();
	errno = saved;
}

/* Only from the master, or from the kernel at its death, which says the same pid: this signal has another meaning
 * to the master, and whoever sends it to all processes of the name must not cut clients. */
static void on_cut(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)sig;
	(void)context;
	if (info->si_pid != master_pid)
		return;
	stop_taking();
	deadline_cut(getppid() != master_pid);
	errno = saved;
}

void orders_init(int listener, int dead, pid_t master, _Atomic uint32_t *told)
{
	told_flag = told;
	listener_fd = listener;
	dead_fd = dead;
	master_pid = master;
	signals_handle(WORKER_SIGNAL_RETIRE, on_retire);
	signals_handle(WORKER_SIGNAL_CUT, on_cut);
}

bool orders_to_leave(void)
{
	return leave != 0;
}
