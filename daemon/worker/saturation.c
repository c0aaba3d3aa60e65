/* SPDX-License-Identifier: MIT */
#include "worker/saturation.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "board/board.h"
#include "services/deadline.h"
#include "worker/orders.h"

static const struct board_lane *lane;
static int listener;

/* Runs in a signal handler. One who is to leave has no listener any more, and holds up nobody who waits there. */
static bool is_saturated(void)
{
	struct pollfd p = {.fd = listener, .events = POLLIN | POLLRDHUP};

	if (orders_to_leave() || atomic_load_explicit(&lane->idle, memory_order_relaxed) > 0)
		return false;
	/* a unix socket after listen_quiesce_for_good() is readable for ever */
	return poll(&p, 1, 0) == 1 && (p.revents & (POLLIN | POLLRDHUP)) == POLLIN;
}

void saturation_init(const struct board_lane *of_lane, int of_listener)
{
	lane = of_lane;
	listener = of_listener;
	deadline_saturated(is_saturated);
}
