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

#define PAUSE_FIRST_MS 50 /* after a lack of descriptors or memory; doubles */
#define PAUSE_LAST_MS  1000
#define LOG_EVERY_MS   10000

/* A failure of accept(2) may be that of one client. After this many in a row it is taken for one of the listener. */
#define PASS_OVER_MAX 100

/*
 * Waits for a client on LISTENER, at most MS (-1: for ever). LISTENER -1: only waits; without a descriptor, because
 * poll(2) refuses one when RLIMIT_NOFILE allows none. Signals are unblocked only inside ppoll(2), so an order cannot
 * come between the check and the wait.
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

/* One line in ten seconds, for all workers of the service together. */
static void log_failure(struct board_head *head, const char *service, int code)
{
	struct log_about about = {.service = service, .worker = getpid()};
	int64_t now = clock_coarse_ms();
	int64_t next = atomic_load(&head->next_accept_error_ms);

	/* a time too far ahead is damaged */
	if ((now < next && next - now <= LOG_EVERY_MS) ||
	    !atomic_compare_exchange_strong(&head->next_accept_error_ms, &next, now + LOG_EVERY_MS))
		return;
	log_about(LOG_WARNING, &about, "cannot accept clients for now: %s; they wait in the queue", strerror(code));
}

/* Is CODE, from accept(2), a failure of one client or of the network? Then the next client may be accepted. */
static bool is_of_one_client(int code)
{
	switch (code) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM: /* a rule of a firewall */
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case ETIMEDOUT:
	case ECONNRESET:
	case ECONNREFUSED: /* an answer to an earlier datagram was refused */
		return true;
	default:
		return false;
	}
}

/* ATTEMPT blocks until there is a client; -1 and errno if it fails. */
static enum wait_result wait_with(int (*attempt)(int listener, void *out), void *out, int listener,
				  struct board_head *head, const char *service)
{
	int pause_ms = PAUSE_FIRST_MS, passed_over = 0;

	while (!orders_to_leave()) {
		self_timer_run();
		if (attempt(listener, out) >= 0)
			return WAIT_CLIENT;
		if (is_of_one_client(errno) && (errno == EINTR || ++passed_over < PASS_OVER_MAX))
			continue;
		switch (errno) {
		case EAGAIN: /* another process that shares the socket has made it non-blocking */
			pause_for(listener, -1);
			break;
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			log_failure(head, service, errno);
			pause_for(-1, pause_ms);
			if (pause_ms < PAUSE_LAST_MS)
				pause_ms *= 2;
			break;
		default:
			if (passed_over >= PASS_OVER_MAX) { /* then the listener is in trouble */
				log_failure(head, service, errno);
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

/* An order to leave may replace the listener at any moment; poll(2) on the dead descriptor returns at once. */
static int wait_for_datagram(int listener, void *unused)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};

	(void)unused;
	if (poll(&p, 1, -1) < 0)
		return -1;
	errno = EINTR;
	if (orders_to_leave())
		return -1;
	errno = EINVAL; /* if the socket was shut down */
	return (p.revents & (POLLNVAL | POLLHUP | POLLRDHUP)) == 0 ? 0 : -1;
}

enum wait_result wait_readable(int listener, struct board_head *head, const char *service)
{
	return wait_with(wait_for_datagram, NULL, listener, head, service);
}
