/* SPDX-License-Identifier: MIT */
#include "services/upstream_addresses.h"

#include <errno.h>
#include <preforkd/module.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/parse.h"
#include "config/config.h"
#include "net/lookup.h"
#include "net/race.h"

#define LOOKUP_MS	5000 /* for a name without known addresses */
#define LOOKUP_AGAIN_MS 1000 /* for a name with known addresses: the client waits meanwhile */
#define CLOCKS_APART_MS 100  /* greatest difference between clock_ms() and clock_coarse_ms() */

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
	preforkd_log(NULL, LOG_INFO, "the upstream %s is at %s now", addr->text, text);
}

/* Looks up the name. *OUT has the N_KNOWN addresses so far, and gets the new ones. Returns how many there are; keeps
 * the old ones if the look-up fails; -1 and *err if there are none. */
static int look_up(const struct upstream *upstream, int watch, struct sockaddr_any *known, int n_known, struct err *err)
{
	struct target *target = upstream->target;
	const struct addr *addr = upstream->addr;
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
			preforkd_log(NULL, LOG_WARNING, "the upstream %s; its last address is kept", err->text);
		return n_known;
	}
	if (atomic_exchange(&target->kept, 0) != 0)
		preforkd_log(NULL, LOG_NOTICE, "the upstream %s can be resolved again", addr->text);
	atomic_store(&target->fresh_until_ms, clock_ms() + upstream->config->resolve);
	target_set_addresses(target, list, (size_t)n);
	if (n_known > 0 && !same_addresses(list, n, known, n_known))
		log_addresses(addr, list, n);
	memcpy(known, list, (size_t)n * sizeof(*known));
	return n;
}

/* Returns how many addresses the name has, in the order of the resolver; -1 and *err if none. */
static int find_addresses(const struct upstream *upstream, int watch, struct sockaddr_any *out, struct err *err)
{
	struct target *target = upstream->target;
	int64_t resolve = upstream->config->resolve, now = clock_coarse_ms(), fresh;
	int n = (int)target_addresses(target, out, NULL, TARGET_ADDRESSES);

	fresh = atomic_load_explicit(&target->fresh_until_ms, memory_order_relaxed);
	if (n > 0 && now < fresh && fresh - now <= resolve + CLOCKS_APART_MS)
		return n;
	/* When the addresses are no longer fresh, one worker looks the name up, and the others go on with what is
	 * known. */
	if (n > 0 && !atomic_compare_exchange_strong(&target->fresh_until_ms, &fresh, now + resolve))
		return n;
	return look_up(upstream, watch, out, n, err);
}

/* Keeps the addresses that can be reached from FROM. Returns how many. */
static size_t keep_fitting(const struct sockaddr_any *from, struct sockaddr_any *list, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (from->len == 0 || list[i].sa.sa_family == from->sa.sa_family || list[i].sa.sa_family == AF_UNIX)
			list[kept++] = list[i];
	return kept;
}

static int64_t find_rest(const struct sockaddr_any *addr, const struct sockaddr_any *known, const int64_t *until,
			 size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (addr_equal(addr, &known[i]))
			return until[i];
	return 0;
}

/* Is an address to be tried last? When its rest is over, one worker tries it, and for all others it rests on as long as
 * that try may take. LED: an address that works is tried before it, so that the try costs nobody time. */
static bool is_to_rest(const struct upstream *upstream, const struct sockaddr_any *addr, int64_t *until_ms, bool led)
{
	const struct config_upstreams *config = upstream->config;
	int64_t now = clock_ms(), claim = now + config->connect_timeout + TARGET_LOOK_UP_MS;

	if (target_rest_left(*until_ms, now, config->pause, config->connect_timeout) > 0)
		return true;
	if (led)
		return false;
	if (!target_rest_address(upstream->target, addr, *until_ms, claim))
		return true;
	*until_ms = claim;
	return false;
}

/* Moves the addresses that rest behind the others. */
static void order_by_rest(const struct upstream *upstream, struct upstream_addresses *list)
{
	struct sockaddr_any known[TARGET_ADDRESSES];
	int64_t until[TARGET_ADDRESSES];
	size_t n_known = target_addresses(upstream->target, known, until, TARGET_ADDRESSES);
	struct upstream_addresses resting = {.n = 0};
	size_t n = 0;
	bool led = false;

	for (size_t i = 0; i < list->n; i++) {
		struct sockaddr_any addr = list->at[i];
		int64_t end = find_rest(&addr, known, until, n_known);
		struct upstream_addresses *to = end != 0 && is_to_rest(upstream, &addr, &end, led) ? &resting : list;
		size_t *at = to == list ? &n : &resting.n;

		to->at[*at] = addr;
		to->until_ms[(*at)++] = end;
		led |= end == 0;
	}
	memcpy(list->at + n, resting.at, resting.n * sizeof(*resting.at));
	memcpy(list->until_ms + n, resting.until_ms, resting.n * sizeof(*resting.until_ms));
}

int upstream_addresses_get(const struct upstream *upstream, int watch, struct upstream_addresses *out, struct err *err)
{
	int n = find_addresses(upstream, watch, out->at, err);

	if (n <= 0)
		return -1;
	out->n = keep_fitting(&upstream->config->bind, out->at, (size_t)n);
	if (out->n == 0) {
		(void)err_set(err, "%s", strerror(EAFNOSUPPORT));
		err->code = EAFNOSUPPORT;
		return -1;
	}
	race_order(out->at, out->n);
	order_by_rest(upstream, out);
	return 0;
}

void upstream_addresses_works(const struct upstream *upstream, const struct upstream_addresses *addresses, size_t i)
{
	char text[ADDR_TEXT_MAX];

	if (addresses->until_ms[i] != 0 &&
	    target_rest_address(upstream->target, &addresses->at[i], addresses->until_ms[i], 0))
		preforkd_log(NULL, LOG_NOTICE, "%s, an address of the upstream %s, works again",
			     addr_format(&addresses->at[i], text, sizeof(text)), upstream->addr->text);
}

void upstream_addresses_failed(const struct upstream *upstream, const struct upstream_addresses *addresses, size_t i,
			       const char *why)
{
	int64_t pause = upstream->config->pause, until = addresses->until_ms[i];
	char text[ADDR_TEXT_MAX], limit[32];

	if (!target_rest_address(upstream->target, &addresses->at[i], until, clock_ms() + pause) || until != 0)
		return; /* another worker has logged it */
	format_duration(pause, limit, sizeof(limit));
	preforkd_log(NULL, LOG_WARNING, "%s, an address of the upstream %s, %s; it is left alone for %s",
		     addr_format(&addresses->at[i], text, sizeof(text)), upstream->addr->text, why, limit);
}
