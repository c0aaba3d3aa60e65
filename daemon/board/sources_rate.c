/* SPDX-License-Identifier: MIT */
/*
 * Master and worker. Rates. A leaky bucket is one number: the time at which it is empty again (GCRA). Each client that
 * is let in moves this time on by the interval of the rate, from now if it has passed. The bucket is full if it would
 * then be further ahead than the period of the rate. In nanoseconds, because the fastest rate that can be configured is
 * one client in each.
 */
#include "board/sources.h"
#include "board/sources_map.h"
#include "board/sources_records.h"

struct bucket {
	int64_t per_ns, interval_ns;
};

static int64_t to_ns(int64_t us)
{
	return sources_clamp(us, 0, INT64_MAX / 4 / NS_A_US) * NS_A_US;
}

static struct bucket bucket_of(const struct rate *rate)
{
	int64_t per = sources_clamp(rate->per_ms, 1, RATE_MOST_MS) * NS_A_MS;

	return (struct bucket){.per_ns = per, .interval_ns = per / sources_clamp(rate->n, 1, per)};
}

/*
 * The time from which the next client counts. A time that this rate cannot have produced comes from a slower rate that
 * was configured before, or is damaged: it must not keep anybody out.
 */
static int64_t base_of(int64_t empty_ns, const struct bucket *bucket, int64_t now_ns)
{
	if (!sources_is_ahead(empty_ns, now_ns, bucket->per_ns + SOURCES_SLACK_MS * NS_A_MS))
		return now_ns;
	return empty_ns;
}

/* Nanoseconds until there is room; 0: there is room now. */
static int64_t wait_of(int64_t base_ns, const struct bucket *bucket, int64_t now_ns)
{
	int64_t wait = base_ns - now_ns - (bucket->per_ns - bucket->interval_ns);

	return wait > 0 ? wait : 0;
}

static int64_t to_us(int64_t ns)
{
	return ns / NS_A_US + (ns % NS_A_US != 0);
}

int64_t sources_rate_take(struct sources *sources, uint64_t key, const struct rate *rate, int64_t now_us,
			  bool *untracked_out)
{
	_Atomic int64_t *empty = &sources->map->empty_ns;
	struct bucket bucket = bucket_of(rate);
	int64_t now = to_ns(now_us), seen;

	*untracked_out = false;
	if (rate->n <= 0)
		return 0;
	if (key != 0) {
		struct source_record *record = sources_records_claim(sources, key, now);

		*untracked_out = record == NULL;
		if (record == NULL)
			return 0;
		empty = &record->empty_ns;
	}
	seen = atomic_load(empty);
	for (unsigned tries = 0; tries < SOURCES_TRIES; tries++) {
		int64_t base = base_of(seen, &bucket, now), wait = wait_of(base, &bucket, now);

		if (wait > 0)
			return to_us(wait);
		if (atomic_compare_exchange_weak(empty, &seen, base + bucket.interval_ns))
			return 0;
	}
	return 0; /* it keeps changing, so it is damaged; that is not the client's fault */
}

int64_t sources_rate_wait(const struct sources *sources, uint64_t key, const struct rate *rate, int64_t now_us)
{
	const struct source_record *record = sources_records_find(sources, key);
	struct bucket bucket = bucket_of(rate);
	int64_t now = to_ns(now_us), empty;

	if (rate->n <= 0 || (key != 0 && record == NULL))
		return 0;
	empty = atomic_load(key == 0 ? &sources->map->empty_ns : &record->empty_ns);
	return to_us(wait_of(base_of(empty, &bucket, now), &bucket, now));
}
