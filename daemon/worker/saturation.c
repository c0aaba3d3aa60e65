/* SPDX-License-Identifier: MIT */
#include "worker/saturation.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "board/board.h"
#include "services/deadline.h"
#include "worker/orders.h"

#define TURNED_AWAY_MS 5000 /* after a refusal, the next client is expected within this time */

static const struct board_head *head;
static const struct board_lane *lane;
static int listener;

static bool are_clients_refused(void)
{
	int64_t at = atomic_load_explicit(&head->turned_away_ms, memory_order_relaxed), now = clock_coarse_ms();

	return at != 0 && at > now - TURNED_AWAY_MS && at < now + TURNED_AWAY_MS; /* later: the time is damaged */
}

/* Runs in a signal handler. A worker that is to leave has no listener any more, and nobody waits for it. */
static bool is_saturated(void)
{
	struct pollfd p = {.fd = listener, .events = POLLIN | POLLRDHUP};

	if (orders_to_leave())
		return false;
	if (are_clients_refused())
		return true;
	if (atomic_load_explicit(&lane->idle, memory_order_relaxed) > 0)
		return false;
	/* a unix socket is readable for ever after listen_quiesce_for_good(), but also reports POLLRDHUP */
	return poll(&p, 1, 0) == 1 && (p.revents & (POLLIN | POLLRDHUP)) == POLLIN;
}

void saturation_init(const struct board_head *of_service, const struct board_lane *of_lane, int of_listener)
{
	head = of_service;
	lane = of_lane;
	listener = of_listener;
	deadline_saturated(is_saturated);
}
