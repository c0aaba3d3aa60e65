/* SPDX-License-Identifier: MIT */
#include "services/upstreams.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/parse.h"
#include "board/board.h"
#include "board/targets.h"
#include "config/config.h"
#include "net/addr.h"
#include "net/lookup.h"
#include "services/balance.h"

#define LOOKUP_MS	5000 /* for a name without known addresses */
#define LOOKUP_AGAIN_MS 1000 /* for a name with known addresses: the client waits meanwhile */
#define CLOCKS_APART_MS 100  /* greatest difference between clock_ms() and clock_coarse_ms() */
#define CLAIM_MS	2000 /* time of a try beside proxy.connect_timeout: its look-up */

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

__attribute__((format(printf, 2, 3))) static void log_service(int level, const char *fmt, ...)
{
	struct log_about about = {.service = service->name, .worker = getpid()};
	va_list ap;

	va_start(ap, fmt);
	log_vabout(level, &about, fmt, ap);
	va_end(ap);
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

/* Does an upstream whose rest ends at UNTIL rest now? A time too far ahead was written by a worker that ran wild, or
 * under another configuration: it does not count. */
static bool is_resting(int64_t until, int64_t now)
{
	return now < until && until - now <= config->pause + config->connect_timeout + CLAIM_MS;
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
	int64_t until = atomic_load_explicit(&target->until_ms, memory_order_relaxed), now;

	claim[i] = 0;
	if (until == 0)
		return true;
	now = clock_ms();
	if (is_resting(until, now))
		return false;
	if (!atomic_compare_exchange_strong(&target->until_ms, &until, now + config->connect_timeout + CLAIM_MS))
		return false;
	claim[i] = now + config->connect_timeout + CLAIM_MS;
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
	log_service(LOG_WARNING, "the upstream %s has failed: %s; it is left alone for %s", config->list[i].text, why,
		    pause);
}

void upstreams_works(size_t i)
{
	struct target *target = &targets.target[i];

	if (atomic_load_explicit(&target->until_ms, memory_order_relaxed) == 0)
		return;
	if (atomic_exchange(&target->until_ms, 0) != 0)
		log_service(LOG_NOTICE, "the upstream %s works again", config->list[i].text);
}

void upstreams_taken(size_t i)
{
	atomic_store_explicit(&slot->target, (uint32_t)i + 1, memory_order_relaxed);
}

void upstreams_left(void)
{
	atomic_store_explicit(&slot->target, 0, memory_order_relaxed);
}

/* Are they the same addresses, in any order? A resolver rotates them. */
static bool same_addresses(const struct sockaddr_any *a, int n_a, const struct sockaddr_any *b, int n_b)
{
	for (int i = 0; i < n_a; i++) {
		int k = 0;

		while (k < n_b && !addr_equal(&a[i], &b[k]))
			k++;
		if (k == n_b)
			return false;
	}
	return n_a == n_b;
}

static void log_addresses(const struct addr *addr, const struct sockaddr_any *list, int n)
{
	char text[LOG_LINE_MAX / 2], one[ADDR_TEXT_MAX];
	size_t used = 0;

	for (int i = 0; i < n && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? ", " : "",
					 addr_format(&list[i], one, sizeof(one)));
	log_service(LOG_INFO, "the upstream %s is at %s now", addr->text, text);
}

/* Looks up the name of upstream I, whose N_KNOWN addresses so far are in KNOWN (room for MAX). Puts the new ones there,
 * and returns how many; keeps the old ones if the look-up fails; -1 and *err if there are none. */
static int look_up(size_t i, int watch, struct sockaddr_any *known, int n_known, size_t max, struct err *err)
{
	struct target *target = &targets.target[i];
	const struct addr *addr = &config->list[i];
	struct sockaddr_any list[TARGET_ADDRESSES];
	int n;

	n = lookup_address(addr, n_known > 0 ? LOOKUP_AGAIN_MS : LOOKUP_MS, watch, list, TARGET_ADDRESSES, err);
	if (n <= 0 && n_known == 0)
		return -1;
	if (n <= 0 && err->code == ECANCELED) {
		atomic_store(&target->fresh_until_ms, 0); /* the next connection looks it up */
		return n_known;
	}
	if (n <= 0) {
		if (atomic_exchange(&target->kept, 1) == 0)
			log_service(LOG_WARNING, "the upstream %s; its last address is kept", err->text);
		return n_known;
	}
	if (atomic_exchange(&target->kept, 0) != 0)
		log_service(LOG_NOTICE, "the upstream %s can be resolved again", addr->text);
	atomic_store(&target->fresh_until_ms, clock_ms() + config->resolve);
	target_set_addresses(target, list, (size_t)n);
	if (n_known > 0 && !same_addresses(list, n, known, n_known))
		log_addresses(addr, list, n);
	if ((size_t)n > max)
		n = (int)max;
	memcpy(known, list, (size_t)n * sizeof(*known));
	return n;
}

int upstreams_addresses(size_t i, int watch, struct sockaddr_any *out, size_t max, struct err *err)
{
	struct target *target = &targets.target[i];
	int64_t fresh, now;
	bool known;
	int n;

	if (literal[i].len > 0) {
		out[0] = literal[i];
		return 1;
	}
	n = (int)target_addresses(target, out, max);
	now = clock_coarse_ms();
	fresh = atomic_load_explicit(&target->fresh_until_ms, memory_order_relaxed);
	/* When the addresses are no longer fresh, one worker looks the name up, and the others go on with what is
	 * known. */
	known = n > 0 && now < fresh && fresh - now <= config->resolve + CLOCKS_APART_MS;
	if (known || (n > 0 && !atomic_compare_exchange_strong(&target->fresh_until_ms, &fresh, now + config->resolve)))
		return n;
	return look_up(i, watch, out, n, max, err);
}
