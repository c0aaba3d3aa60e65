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
static struct orders from; /* handlers write to the slot: its atomics are lock-free */
static int listener_fd, dead_fd;

static void stop_accepting(void)
{
	leave = 1;
	/* not dup2(2), which would clear close-on-exec */
	(void)dup3(dead_fd, listener_fd, O_CLOEXEC);
	/* after dup3(2): the master relies on it that no accept(2) follows */
	atomic_store(&from.slot->has_heard, 1);
}

static void on_retire(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)sig;
	(void)info;
	(void)context;
	stop_accepting();
	errno = saved;
}

/* Only from the master, or from the kernel at its death, which gives the same pid. The master uses this signal for
 * something else: an administrator who sends it to all processes of this name must not cut clients. */
static void on_cut(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)sig;
	(void)context;
	if (info->si_pid != from.master)
		return;
	stop_accepting();
	deadline_look_cut(getppid() != from.master);
	errno = saved;
}

/*
 * The client that the master means may have left, and the next one may be here: the value of the signal (the turn)
 * tells. If the client has sent something meanwhile it is not evicted; the worker rings, so that the master chooses
 * another.
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
