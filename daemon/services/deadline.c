/* SPDX-License-Identifier: MIT */
#include "services/deadline.h"

#include <stdatomic.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/signals.h"
#include "services/deadline_look.h"
#include "services/deadline_state.h"

#define LOOKS	      4 /* in the time of a limit */
#define BUSY_LOOKS    8 /* in the time of first_byte_busy */
#define BUSY_LEAST_MS 100

static struct deadline_client *const client = &deadline_state.client;

/* A handler that runs after this sees everything that was stored before it. */
static void order_for_handlers(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

void deadline_init(bool resets)
{
	deadline_state.resets = resets;
	signals_handle(SIGALRM, deadline_look_on_alarm);
}

void deadline_saturated(bool (*function)(void))
{
	deadline_state.saturated = function;
}

void deadline_begin(int fd, int64_t total_due)
{
	client->fd = -1; /* from here on handlers read no other member, until it is set */
	order_for_handlers();
	*client = (struct deadline_client){.fd = -1, .beyond_fd = -1, .total_due = total_due};
	order_for_handlers();
	client->fd = fd;
	if (deadline_state.cut) /* the order came between two connections */
		deadline_look_end(fd, DEADLINE_NONE);
	deadline_look_no_later(total_due);
}

void deadline_proxy(int64_t due)
{
	client->proxy_due = due;
	/* A handler that runs from here on sees the new value, and sets the timer for it itself. */
	order_for_handlers();
	deadline_look_no_later(due);
}

void deadline_own(int64_t due)
{
	client->own_due = due;
	order_for_handlers(); /* as in deadline_proxy() */
	deadline_look_no_later(due);
}

/* When the first look is due, as long as nothing is known about the client. */
static int64_t first_look(int64_t now, bool reads)
{
	const struct deadline_limits *limits = &client->limits;
	int64_t at = client->look_ms != 0 ? now + client->look_ms : 0;

	if (!reads || limits->first_byte == 0 || atomic_load_explicit(limits->greeted, memory_order_relaxed) != 0)
		return at;
	at = deadline_state_earlier(at, limits->start + limits->first_byte);
	return deadline_state_earlier(at, client->busy_ms != 0 ? now + client->busy_ms : 0);
}

void deadline_limit(const struct deadline_limits *limits)
{
	int64_t least = deadline_state_earlier(limits->idle, limits->send), now = clock_coarse_ms();
	bool busy_matters = limits->first_byte_busy != 0 && limits->first_byte_busy < limits->first_byte;

	client->limited = false;
	order_for_handlers();
	client->limits = *limits;
	client->own_greeted = 0;
	client->own_silent_since = limits->start;
	if (client->limits.greeted == NULL)
		client->limits.greeted = &client->own_greeted;
	if (client->limits.silent_since == NULL)
		client->limits.silent_since = &client->own_silent_since;
	client->look_ms = least != 0 ? deadline_state_later(least / LOOKS, DEADLINE_LOOK_LEAST_MS) : 0;
	client->busy_ms = busy_matters ? deadline_state_later(limits->first_byte_busy / BUSY_LOOKS, BUSY_LEAST_MS) : 0;
	client->seen = (struct deadline_seen){.moved_ms = now};
	client->noted_ms = now;
	client->waits = DEADLINE_NO_WAIT;
	client->wrote = false;
	order_for_handlers();
	client->limited = true;
	if (limits->unseen)
		deadline_look_no_later(first_look(now, true));
}

void deadline_waits(enum deadline_wait what)
{
	int64_t now = clock_coarse_ms();

	atomic_store_explicit(&client->noted_ms, now, memory_order_relaxed);
	if (what == DEADLINE_WRITES)
		atomic_store_explicit(&client->wrote, true, memory_order_relaxed);
	atomic_store_explicit(&client->waits, (int)what, memory_order_relaxed);
	order_for_handlers(); /* as in deadline_proxy() */
	deadline_look_no_later(first_look(now, what == DEADLINE_READS));
	if (what == DEADLINE_CLOSES && client->limits.half_closed != 0)
		deadline_look_no_later(now + client->limits.half_closed);
}

void deadline_waited(void)
{
	atomic_store_explicit(&client->waits, DEADLINE_NO_WAIT, memory_order_relaxed);
}

void deadline_greeted(void)
{
	atomic_store_explicit(client->limits.greeted, 1, memory_order_relaxed);
}

void deadline_beyond(int fd)
{
	client->beyond_fd = -1;
	order_for_handlers();
	client->seen.beyond = 0;
	order_for_handlers();
	client->beyond_fd = fd;
}

void deadline_end(void)
{
	client->fd = -1;
	client->limited = false;
	client->total_due = client->proxy_due = client->own_due = 0;
}

enum deadline_kind deadline_passed(void)
{
	return (enum deadline_kind)client->passed;
}

bool deadline_was_cut(void)
{
	return deadline_state.cut;
}

bool deadline_was_reset(uint64_t *in_out, uint64_t *out_out)
{
	*in_out = client->in;
	*out_out = client->out;
	return client->reset;
}

bool deadline_is_orphan(void)
{
	return deadline_state.orphaned;
}
