/* SPDX-License-Identifier: MIT */
/*
 * Finding records. One is in any of the ways of the set that its key says. It is free as soon as all that it says is
 * over, whatever key is on it: so nobody frees one, and whoever is killed between two steps leaves none behind.
 */
#include "board/sources_records.h"

#include "board/sources.h"
#include "board/sources_map.h"

static struct source_record *set_of(const struct sources *sources, uint64_t key)
{
	uint64_t n_sets = sources_n_sets(sources->n_records);

	/* the upper half of the hash, spread over the sets */
	return &sources->map->record[((key >> 32) * n_sets >> 32) * SOURCES_WAYS];
}

/* Of two that were claimed for one key at the same time the first one counts for everybody from then on. */
static struct source_record *find_in(struct source_record *set, uint64_t key)
{
	for (size_t i = 0; i < SOURCES_WAYS; i++)
		if (atomic_load_explicit(&set[i].key, memory_order_acquire) == key)
			return &set[i];
	return NULL;
}

struct source_record *sources_records_find(const struct sources *sources, uint64_t key)
{
	return key != 0 ? find_in(set_of(sources, key), key) : NULL;
}

static bool is_free(const struct source_record *record, int64_t now_ns)
{
	int64_t now_ms = now_ns / NS_A_MS;

	return !sources_is_ahead(atomic_load(&record->empty_ns), now_ns, (RATE_MOST_MS + SOURCES_SLACK_MS) * NS_A_MS) &&
	       !sources_is_ahead(atomic_load(&record->penalty) / 2, now_ms, PENALTY_MOST_MS + SOURCES_SLACK_MS) &&
	       !sources_is_ahead(atomic_load(&record->windows_end_ms), now_ms, WINDOW_MOST_MS + SOURCES_SLACK_MS);
}

/*
 * Puts KEY on a record that is free. Its former source may come back at this very moment, and what it takes then counts
 * for the new one: it is the price of a record without a lock, and takes a pause between two instructions.
 */
static bool claim(struct source_record *record, uint64_t key, int64_t now_ns)
{
	uint64_t former = atomic_load(&record->key), seen[4];

	for (size_t i = 0; i < 4; i++)
		seen[i] = atomic_load(&record->window[i / 2][i % 2]);
	if (!is_free(record, now_ns) || !atomic_compare_exchange_strong(&record->key, &former, key))
		return false;
	/* a longer penalty.within would make them current; unless somebody has counted there since */
	for (size_t i = 0; i < 4; i++)
		(void)atomic_compare_exchange_strong(&record->window[i / 2][i % 2], &seen[i], 0);
	return true;
}

struct source_record *sources_records_claim(struct sources *sources, uint64_t key, int64_t now_ns)
{
	struct source_record *set, *found = sources_records_find(sources, key);

	if (found != NULL || key == 0)
		return found;
	set = set_of(sources, key);
	for (size_t i = 0; i < SOURCES_WAYS; i++) {
		if (claim(&set[i], key, now_ns) || atomic_load(&set[i].key) == key) {
			/* somebody else may have, too, one further ahead */
			found = find_in(set, key);
			return found != NULL ? found : &set[i];
		}
	}
	(void)atomic_fetch_add_explicit(&sources->map->untracked, 1, memory_order_relaxed);
	return NULL;
}

uint64_t sources_untracked(const struct sources *sources)
{
	return atomic_load_explicit(&sources->map->untracked, memory_order_relaxed);
}
