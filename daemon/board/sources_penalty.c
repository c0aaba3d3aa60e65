/* SPDX-License-Identifier: MIT */
/*
 * Master and worker. Faults and penalties. A window begins with a fault and lasts for the time of the rule (within_ms);
 * a second window begins with the first fault after half of that. So faults that lie within half of the time always
 * count together, and those that are further apart than the time never do.
 */
#include "board/sources.h"
#include "board/sources_map.h"
#include "board/sources_records.h"

#define START_BITS 40 /* milliseconds: 34 years */
#define START_MASK ((1ULL << START_BITS) - 1)
#define COUNT_MOST ((1ULL << (64 - START_BITS)) - 1)

/* The age of the window; -1: it is over, or there is none. */
static int64_t age_of(uint64_t window, int64_t within_ms, int64_t now_ms)
{
	int64_t age;

	if (window >> START_BITS == 0)
		return -1;
	/* the difference modulo 2^40, with a sign */
	age = (int64_t)(((uint64_t)now_ms - window) << (64 - START_BITS)) >> (64 - START_BITS);
	if (age < -SOURCES_SLACK_MS || age >= within_ms)
		return -1;
	return age > 0 ? age : 0;
}

static size_t count_in(uint64_t window, int64_t within_ms, int64_t now_ms)
{
	return age_of(window, within_ms, now_ms) >= 0 ? (size_t)(window >> START_BITS) : 0;
}

/* WINDOW after one more fault: a running window counts it; else it begins anew, unless the OTHER one is in its first
 * half. */
static uint64_t add_fault(uint64_t window, uint64_t other, int64_t within_ms, int64_t now_ms)
{
	int64_t other_age = age_of(other, within_ms, now_ms);

	if (age_of(window, within_ms, now_ms) >= 0)
		return window >> START_BITS < COUNT_MOST ? window + (1ULL << START_BITS) : window;
	if (other_age < 0 || other_age >= within_ms / 2)
		return 1ULL << START_BITS | ((uint64_t)now_ms & START_MASK);
	return 0;
}

/* Counts one fault in both windows; returns the greater count. */
static size_t count_fault(struct source_record *record, enum source_fault fault, int64_t within_ms, int64_t now_ms)
{
	_Atomic uint64_t *window = record->window[fault];
	int64_t end = atomic_load(&record->windows_end_ms);
	size_t most = 0;

	/* first of all, so that the record is not free while its windows run */
	for (unsigned tries = 0; tries < SOURCES_TRIES; tries++) {
		if (sources_is_ahead(end, now_ms + within_ms - 1, WINDOW_MOST_MS + SOURCES_SLACK_MS - within_ms) ||
		    atomic_compare_exchange_weak(&record->windows_end_ms, &end, now_ms + within_ms))
			break;
	}
	for (size_t i = 0; i < 2; i++) {
		uint64_t seen = atomic_load(&window[i]), next = seen;

		for (unsigned tries = 0; tries < SOURCES_TRIES; tries++) {
			next = add_fault(seen, atomic_load(&window[1 - i]), within_ms, now_ms);
			if (atomic_compare_exchange_weak(&window[i], &seen, next))
				break;
		}
		if (count_in(next, within_ms, now_ms) > most)
			most = count_in(next, within_ms, now_ms);
	}
	return most;
}

static struct sources_penalty penalty_of(int64_t word, int64_t now_ms)
{
	struct sources_penalty none = {.until_ms = 0};

	if (!sources_is_ahead(word / 2, now_ms, PENALTY_MOST_MS + SOURCES_SLACK_MS))
		return none;
	return (struct sources_penalty){
		.until_ms = word / 2,
		.fault = (word & 1) != 0 ? FAULT_REFUSAL : FAULT_CRASH,
	};
}

static void note_end(struct sources *sources, int64_t end_ms)
{
	int64_t seen = atomic_load(&sources->map->penalties_end_ms);

	for (unsigned tries = 0; tries < SOURCES_TRIES && seen < end_ms; tries++)
		if (atomic_compare_exchange_weak(&sources->map->penalties_end_ms, &seen, end_ms))
			break;
}

bool sources_fault(struct sources *sources, uint64_t key, enum source_fault fault,
		   const struct sources_penalty_rule *rule, int64_t now_ms)
{
	int64_t now = sources_now_ms(now_ms), word;
	int64_t within = sources_clamp(rule->within_ms, 1, WINDOW_MOST_MS);
	int64_t duration = sources_clamp(rule->duration_ms, 1, PENALTY_MOST_MS);
	struct source_record *record;

	fault = fault == FAULT_CRASH ? FAULT_CRASH : FAULT_REFUSAL; /* it is an index */
	if (rule->most <= 0 || key == 0)
		return false;
	record = sources_records_claim(sources, key, now * NS_A_MS);
	if (record == NULL)
		return false;
	word = atomic_load(&record->penalty);
	if (penalty_of(word, now).until_ms != 0 || count_fault(record, fault, within, now) < (uint64_t)rule->most)
		return false;
	/* if several processes find this at the same time, one of them sets the penalty and returns true */
	if (!atomic_compare_exchange_strong(&record->penalty, &word, (now + duration) * 2 + (fault == FAULT_REFUSAL)))
		return false;
	note_end(sources, now + duration);
	for (size_t i = 0; i < 4; i++) /* after the penalty, faults are counted anew */
		atomic_store(&record->window[i / 2][i % 2], 0);
	return true;
}

struct sources_penalty sources_penalty(const struct sources *sources, uint64_t key, int64_t now_ms)
{
	const struct source_record *record = sources_records_find(sources, key);

	if (record == NULL)
		return (struct sources_penalty){.until_ms = 0};
	return penalty_of(atomic_load(&record->penalty), sources_now_ms(now_ms));
}

size_t sources_faults(const struct sources *sources, uint64_t key, enum source_fault fault, int64_t within_ms,
		      int64_t now_ms)
{
	const struct source_record *record = sources_records_find(sources, key);
	int64_t now = sources_now_ms(now_ms), within = sources_clamp(within_ms, 1, WINDOW_MOST_MS);
	size_t most = 0;

	for (size_t i = 0; record != NULL && i < 2; i++) {
		size_t n = count_in(atomic_load(&record->window[fault != FAULT_CRASH][i]), within, now);

		most = n > most ? n : most;
	}
	return most;
}

size_t sources_penalized(const struct sources *sources, int64_t now_ms)
{
	size_t n = 0;

	/* the usual case; reading all records would also make their pages resident */
	if (atomic_load(&sources->map->penalties_end_ms) <= now_ms)
		return 0;
	for (size_t i = 0; i < sources_n_sets(sources->n_records) * SOURCES_WAYS; i++)
		n += penalty_of(atomic_load(&sources->map->record[i].penalty), sources_now_ms(now_ms)).until_ms != 0;
	return n;
}
