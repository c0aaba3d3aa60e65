/* SPDX-License-Identifier: MIT */
#include "worker/measure.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory_use.h"
#include "board/board.h"

#define EVERY_MS 10000 /* the kernel walks all memory of the worker */

static int64_t last_ms;

void measure_init(void)
{
	last_ms = clock_coarse_ms();
}

void measure_memory(const struct board_head *head, struct board_slot *slot)
{
	int64_t now = clock_coarse_ms();

	if (atomic_load_explicit(&head->max_memory, memory_order_relaxed) <= 0 || now - last_ms < EVERY_MS)
		return;
	last_ms = now;
	atomic_store_explicit(&slot->memory, memory_use(getpid()), memory_order_relaxed);
}
