/* SPDX-License-Identifier: MIT */
#include "worker/orders.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/signals.h"
#include "board/board.h"
#include "services/deadline_look.h"
#include "worker/contract.h"

static volatile sig_atomic_t leave;
static struct orders from; /* the slot is lock-free, so a handler may write it */
static int listener_fd, dead_fd;

static void stop_taking(void)
{
	leave = 1;
	/* dup3, because dup2 would clear close-on-exec */
	(void)dup3(dead_fd, listener_fd, O_CLOEXEC);
	/* only now: who reads it relies on no further accept */
	atomic_store(&from.slot->has_heard, 1);
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
	if (info->si_pid != from.master)
		return;
	stop_taking();
	deadline_look_cut(getppid() != from.master);
	errno = saved;
}

/*
 * The client whom the master means may be gone by now, and the next one here: the value says which one it is. One that
 * has spoken meanwhile is in progress, and the master is told, so that it picks another.
 */
static void on_evict(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)sig;
	(void)context;
	if (info->si_code != SI_QUEUE || info->si_pid != from.master || from.board == NULL ||
	    (uint32_t)info->si_value.sival_int != atomic_load(&from.slot->turn))
		return;
	if (deadline_look_evict() == EVICT_GREETED) {
		atomic_store(&from.slot->greeted, 1);
		board_ring(from.board, from.ring);
	}
	errno = saved;
}

void orders_init(int listener, int dead, const struct orders *orders)
{
	from = *orders;
	listener_fd = listener;
	dead_fd = dead;
	signals_handle(WORKER_SIGNAL_RETIRE, on_retire);
	signals_handle(WORKER_SIGNAL_CUT, on_cut);
	signals_handle(WORKER_SIGNAL_EVICT, on_evict);
}

bool orders_to_leave(void)
{
	return leave != 0;
}
