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
#include "net/datagram.h"
#include "services/self.h"
#include "worker/orders.h"

#define PAUSE_FIRST_MS 50 /* when there are no descriptors or no memory; doubles */
#define PAUSE_LAST_MS  1000
#define LOG_EVERY_MS   10000
#define PASS_OVER_MAX  100 /* clients in a row that could not be accepted, before it is a trouble of ours */

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

	if (now < next || !atomic_compare_exchange_strong(&head->next_accept_error_ms, &next, now + LOG_EVERY_MS))
		return;
	log_about(LOG_WARNING, &about, "cannot accept clients for now: %s; they wait in the queue", strerror(code));
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
	case ECONNREFUSED: /* an answer to an earlier datagram met nobody */
		return true;
	default:
		return false;
	}
}

/* ATTEMPT blocks until there is somebody, and returns -1 with errno if it cannot. */
static enum wait_result wait_with(int (*attempt)(int listener, void *out), void *out, int listener,
				  struct board_head *head, const char *service)
{
	int pause_ms = PAUSE_FIRST_MS, passed_over = 0;

	while (!orders_to_leave()) {
		self_timer_run();
		if (attempt(listener, out) >= 0)
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

struct client {
	int fd;
	struct sockaddr_any *peer;
};

static int take_client(int listener, void *out)
{
	struct client *client = out;

	client->peer->len = sizeof(client->peer->ss);
	client->fd = accept4(listener, &client->peer->sa, &client->peer->len, SOCK_CLOEXEC);
	return client->fd;
}

enum wait_result wait_client(int listener, struct board_head *head, const char *service, int *fd_out,
			     struct sockaddr_any *peer_out)
{
	struct client client = {.peer = peer_out};
	enum wait_result result = wait_with(take_client, &client, listener, head, service);

	*fd_out = client.fd;
	return result;
}

static int take_datagram(int listener, void *out)
{
	return datagram_receive(listener, out);
}

enum wait_result wait_datagram(int listener, struct board_head *head, const char *service, struct datagram *out)
{
	return wait_with(take_datagram, out, listener, head, service);
}

/* Told to leave at any moment, the worker has another descriptor here, at which there is nothing to wait for. */
static int look_for_datagram(int listener, void *unused)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};

	(void)unused;
	if (poll(&p, 1, -1) < 0)
		return -1;
	errno = EINTR;
	if (orders_to_leave())
		return -1;
	errno = EINVAL; /* it was shut down */
	return (p.revents & (POLLNVAL | POLLHUP | POLLRDHUP)) == 0 ? 0 : -1;
}

enum wait_result wait_readable(int listener, struct board_head *head, const char *service)
{
	return wait_with(look_for_datagram, NULL, listener, head, service);
}
