/* SPDX-License-Identifier: MIT */
#include "board/sources_records.h"

#include "board/sources.h"
#include "board/sources_map.h"

static struct source_record *set_of(const struct sources *sources, uint64_t key)
{
	uint64_t n_sets = sources_n_sets(sources->n_records);

	/* the upper half of the key, scaled to the number of sets */
	return &sources->map->record[((key >> 32) * n_sets >> 32) * SOURCES_WAYS];
}

/* If two records of a set were claimed for one key at the same time, the first one counts for all processes. */
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
 * Gives a free record to KEY. The former source of the record may come back at the same moment, and what it takes then
 * counts for KEY: the price of records without locks; it happens only if a process pauses between two instructions.
 */
static bool claim_record(struct source_record *record, uint64_t key, int64_t now_ns)
{
	uint64_t former = atomic_load(&record->key), seen[4];

	for (size_t i = 0; i < 4; i++)
		seen[i] = atomic_load(&record->window[i / 2][i % 2]);
	if (!is_free(record, now_ns) || !atomic_compare_exchange_strong(&record->key, &former, key))
		return false;
	/* With a longer penalty.within the former windows would count again, so clear them, unless another process has
	 * counted a fault there meanwhile. */
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
		if (claim_record(&set[i], key, now_ns) || atomic_load(&set[i].key) == key) {
			/* another process may have claimed an earlier one for KEY at the same time */
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
