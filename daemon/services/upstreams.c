/* SPDX-License-Identifier: MIT */
#include "services/upstreams.h"

#include <preforkd/module.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/parse.h"
#include "board/board.h"
#include "board/targets.h"
#include "config/config.h"
#include "net/addr.h"
#include "services/balance.h"
#include "services/upstream_addresses.h"

static const struct config_service *service;
static const struct config_upstreams *config;
static const struct board *board;
static struct board_slot *slot;
static struct targets targets;
static struct sockaddr_any literal[CONFIG_UPSTREAMS_MOST]; /* len 0: a name */
static uint64_t names[CONFIG_UPSTREAMS_MOST];
static int64_t claim[CONFIG_UPSTREAMS_MOST]; /* what this worker wrote into until_ms to claim the try; 0: nothing */

int upstreams_begin(const struct config_service *of, int fd, const struct board *seen, struct board_slot *own,
		    struct err *err)
{
	service = of;
	config = &of->upstreams;
	board = seen;
	slot = own;
	if (targets_map(&targets, fd, config->n, err) < 0)
		return -1;
	for (size_t i = 0; i < config->n; i++) {
		const struct addr *addr = &config->list[i];

		literal[i].len = 0;
		names[i] = balance_name(addr->text);
		if (addr_is_literal(addr) && addr_resolve(addr, &literal[i], 1, err) < 0)
			return -1;
	}
	return 0;
}

/* Counts the connections of each upstream. A slot may hold anything: its worker may have crashed. */
static void count_busy(uint32_t *busy)
{
	for (size_t i = 0; i < board->n_slots; i++) {
		const struct board_slot *one = &board->slots[i];
		uint32_t at = atomic_load_explicit(&one->target, memory_order_relaxed);

		if (at > 0 && at <= config->n && atomic_load_explicit(&one->state, memory_order_relaxed) == SLOT_BUSY)
			busy[at - 1]++;
	}
}

/* Does an upstream whose rest ends at UNTIL rest now? */
static bool is_resting(int64_t until, int64_t now)
{
	return target_rest_left(until, now, config->pause, config->connect_timeout) > 0;
}

static void find_resting(bool *resting_out)
{
	int64_t now = 0;

	for (size_t i = 0; i < config->n; i++) {
		int64_t until = atomic_load_explicit(&targets.target[i].until_ms, memory_order_relaxed);

		if (until != 0 && now == 0)
			now = clock_ms();
		resting_out[i] = until != 0 && is_resting(until, now);
	}
}

size_t upstreams_order(const struct sockaddr_any *client, uint8_t *order_out)
{
	uint32_t busy[CONFIG_UPSTREAMS_MOST] = {0};
	bool resting[CONFIG_UPSTREAMS_MOST];
	struct balance balance = {
		.how = config->balance, .n = config->n, .resting = resting, .busy = busy, .names = names};

	find_resting(resting);
	switch ((enum config_balance)config->balance) {
	case BALANCE_LEAST_BUSY:
		count_busy(busy);
		balance.turn = atomic_fetch_add_explicit(&targets.head->turn, 1, memory_order_relaxed);
		break;
	case BALANCE_ROUND_ROBIN:
		balance.turn = atomic_fetch_add_explicit(&targets.head->turn, 1, memory_order_relaxed);
		break;
	case BALANCE_SOURCE:
		balance.source = balance_source(client, service->access.prefix4, service->access.prefix6);
		break;
	case BALANCE_FAILOVER:
		break;
	}
	balance_order(&balance, order_out);
	return config->n;
}

bool upstreams_may_try(size_t i)
{
	struct target *target = &targets.target[i];
	int64_t until = atomic_load_explicit(&target->until_ms, memory_order_relaxed), now, claimed;

	claim[i] = 0;
	if (until == 0)
		return true;
	now = clock_ms();
	if (is_resting(until, now))
		return false;
	claimed = now + config->connect_timeout + TARGET_LOOK_UP_MS;
	if (!atomic_compare_exchange_strong(&target->until_ms, &until, claimed))
		return false;
	claim[i] = claimed;
	return true;
}

void upstreams_untried(size_t i)
{
	if (claim[i] != 0)
		(void)atomic_compare_exchange_strong(&targets.target[i].until_ms, &claim[i], clock_ms());
}

void upstreams_failed(size_t i, const char *why)
{
	struct target *target = &targets.target[i];
	char pause[32];

	if (atomic_exchange(&target->until_ms, clock_ms() + config->pause) != 0)
		return; /* another worker has logged it */
	format_duration(config->pause, pause, sizeof(pause));
	preforkd_log(NULL, LOG_WARNING, "the upstream %s has failed: %s; it is left alone for %s", config->list[i].text,
		     why, pause);
}

void upstreams_works(size_t i)
{
	struct target *target = &targets.target[i];

	if (atomic_load_explicit(&target->until_ms, memory_order_relaxed) == 0)
		return;
	if (atomic_exchange(&target->until_ms, 0) != 0)
		preforkd_log(NULL, LOG_NOTICE, "the upstream %s works again", config->list[i].text);
}

void upstreams_taken(size_t i)
{
	atomic_store_explicit(&slot->target, (uint32_t)i + 1, memory_order_relaxed);
}

void upstreams_left(void)
{
	atomic_store_explicit(&slot->target, 0, memory_order_relaxed);
}

static struct upstream find_upstream(size_t i)
{
	return (struct upstream){.config = config, .addr = &config->list[i], .target = &targets.target[i]};
}

int upstreams_addresses(size_t i, int watch, struct upstream_addresses *out, struct err *err)
{
	struct upstream upstream = find_upstream(i);

	if (literal[i].len == 0)
		return upstream_addresses_get(&upstream, watch, out, err);
	out->at[0] = literal[i];
	out->until_ms[0] = 0;
	out->n = 1;
	return 0;
}

void upstreams_address_works(size_t i, const struct upstream_addresses *addresses, size_t which)
{
	struct upstream upstream = find_upstream(i);

	upstream_addresses_works(&upstream, addresses, which);
}

void upstreams_address_failed(size_t i, const struct upstream_addresses *addresses, size_t which, const char *why)
{
	struct upstream upstream = find_upstream(i);

	upstream_addresses_failed(&upstream, addresses, which, why);
}
