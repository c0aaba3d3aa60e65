/* SPDX-License-Identifier: MIT */
#include "worker/wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "board/board.h"
#include "net/addr.h"
#include "services/module.h"
#include "worker/orders.h"

#define PAUSE_FIRST_MS 50 /* when there are no descriptors or no memory; doubles */
#define PAUSE_LAST_MS 1000
#define LOG_EVERY_MS 10000
#define PASS_OVER_MAX 100 /* clients in a row that could not be accepted, before it is a trouble of ours */

/*
 * Waits for a client on LISTENER (-1: for nothing, which works even where RLIMIT_NOFILE allows no descriptor at
 * all and poll(2) refuses one) at most MS (-1: for ever). Orders are let in only inside
 * ppoll(2), so that none is lost between the look and the wait.
 */
static void pause_for(int listener, int ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	struct pollfd p = {.fd = listener, .events = POLLIN};
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	if (!orders_to_leave())
		(void)ppoll(&p, listener >= 0, ms < 0 ? NULL : &ts, &before);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

/* All workers of the service together: one line in ten seconds. */
static void report(struct board_head *head, const char *service, int code)
{
	struct log_about about = {.service = service, .worker = getpid()};
	int64_t now = clock_coarse_ms();
	int64_t next = atomic_load(&head->next_accept_error_ms);

	if (now < next || !atomic_compare_exchange_strong(&head->next_accept_error_ms, &next,
							  now + LOG_EVERY_MS))
		return;
	log_about(LOG_WARNING, &about, "cannot accept clients for now: %s; they wait in the queue",
		  strerror(code));
}

/* What accept(2) may say of one client or of the network, and not of us: try the next one. */
static bool is_passing(int code)
{
	switch (code) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM: /* a firewall's rule */
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case ETIMEDOUT:
	case ECONNRESET:
		return true;
	default:
		return false;
	}
}

enum wait_result wait_client(int listener, struct board_head *head, const char *service,
			     int *fd_out, struct sockaddr_any *peer_out)
{
	int pause_ms = PAUSE_FIRST_MS, passed_over = 0;

	while (!orders_to_leave()) {
		module_timer();
		peer_out->len = sizeof(peer_out->ss);
		*fd_out = accept4(listener, &peer_out->sa, &peer_out->len, SOCK_CLOEXEC);
		if (*fd_out >= 0)
			return WAIT_CLIENT;
		if (is_passing(errno) && (errno == EINTR || ++passed_over < PASS_OVER_MAX))
			continue;
		switch (errno) {
		case EAGAIN: /* somebody who shares the socket made it non-blocking */
			pause_for(listener, -1);
			break;
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			report(head, service, errno);
			pause_for(-1, pause_ms);
			if (pause_ms < PAUSE_LAST_MS)
				pause_ms *= 2;
			break;
		default:
			if (passed_over >= PASS_OVER_MAX) { /* it does not pass */
				report(head, service, errno);
				pause_for(-1, PAUSE_LAST_MS);
			} else if (!orders_to_leave()) {
				return WAIT_BROKEN;
			}
		}
	}
	return WAIT_LEAVE;
}
