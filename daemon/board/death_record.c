/* SPDX-License-Identifier: MIT */
#include "board/death_record.h"

#include <limits.h>
#include <string.h>

#include "board/death.h"

#define TRIES 4 /* the worker needs some nanoseconds to write it */

enum { WORD_PID_STATUS, WORD_PHASE, WORD_AT, WORD_AGE, WORD_IN, WORD_OUT, WORD_CPU, WORD_RSS, WORD_PEER };

#define WORD_VIA (WORD_PEER + PACKED_ADDRESS_WORDS)

static void pack(const struct death *death, uint64_t words[DEATH_RECORD_WORDS])
{
	words[WORD_PID_STATUS] = (uint64_t)(uint32_t)death->pid | (uint64_t)(uint32_t)death->status << 32;
	words[WORD_PHASE] = (uint64_t)death->phase;
	words[WORD_AT] = (uint64_t)death->at_ms;
	words[WORD_AGE] = (uint64_t)death->age_ms;
	words[WORD_IN] = death->in;
	words[WORD_OUT] = death->out;
	words[WORD_CPU] = (uint64_t)death->cpu_us;
	words[WORD_RSS] = (uint64_t)death->max_rss;
	memcpy(&words[WORD_PEER], death->peer, sizeof(death->peer));
	memcpy(&words[WORD_VIA], death->via, sizeof(death->via));
}

/* The worker may have written any number: the result is neither negative nor more than MOST. */
static int64_t bounded(uint64_t word, int64_t most)
{
	return word <= (uint64_t)most ? (int64_t)word : most;
}

static int unpack(const uint64_t words[DEATH_RECORD_WORDS], int64_t now_ms, struct death *out)
{
	int status = (int)(uint32_t)(words[WORD_PID_STATUS] >> 32);

	*out = (struct death){
		.kind = DEATH_PROGRAM,
		.pid = (pid_t)bounded(words[WORD_PID_STATUS] & UINT32_MAX, INT_MAX),
		.status = status,
		.phase = words[WORD_PHASE] < DEATH_PHASES ? (enum death_phase)words[WORD_PHASE] : DEATH_SERVING,
		.at_ms = bounded(words[WORD_AT], now_ms),
		.age_ms = bounded(words[WORD_AGE], now_ms),
		.in = (uint64_t)bounded(words[WORD_IN], INT64_MAX),
		.out = (uint64_t)bounded(words[WORD_OUT], INT64_MAX),
		.cpu_us = bounded(words[WORD_CPU], INT64_MAX),
		.max_rss = bounded(words[WORD_RSS], INT64_MAX),
	};
	memcpy(out->peer, &words[WORD_PEER], sizeof(out->peer));
	memcpy(out->via, &words[WORD_VIA], sizeof(out->via));
	if (!death_is_status(status))
		return -1;
	death_explain(out);
	return 0;
}

void death_record_write(struct death_record *record, const struct death *death)
{
	uint32_t turn = atomic_load_explicit(&record->turn, memory_order_relaxed) | 1;
	uint64_t words[DEATH_RECORD_WORDS];

	pack(death, words);
	atomic_store_explicit(&record->turn, turn, memory_order_relaxed);
	atomic_thread_fence(memory_order_release); /* the words come after the odd number */
	for (int i = 0; i < DEATH_RECORD_WORDS; i++)
		atomic_store_explicit(&record->words[i], words[i], memory_order_relaxed);
	atomic_store_explicit(&record->turn, turn + 1, memory_order_release);
}

/* The number under which all of WORDS were written; odd: they are torn. */
static uint32_t read_words(const struct death_record *record, uint64_t words[DEATH_RECORD_WORDS])
{
	uint32_t before = atomic_load_explicit(&record->turn, memory_order_acquire);

	for (int i = 0; i < DEATH_RECORD_WORDS; i++)
		words[i] = atomic_load_explicit(&record->words[i], memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire); /* the number is read again after the words */
	return atomic_load_explicit(&record->turn, memory_order_relaxed) == before ? before : 1;
}

int death_record_read(const struct death_record *record, int64_t now_ms, uint32_t *seen, struct death *out,
		      uint32_t *lost_out)
{
	uint64_t words[DEATH_RECORD_WORDS];
	uint32_t turn = 1;

	*lost_out = 0;
	if (atomic_load_explicit(&record->turn, memory_order_relaxed) == *seen)
		return 0;
	for (int i = 0; i < TRIES && turn % 2 != 0; i++)
		turn = read_words(record, words);
	if (turn % 2 != 0)
		return -1;
	*lost_out = (turn - *seen) / 2 - 1;
	*seen = turn;
	if (unpack(words, now_ms, out) == 0)
		return 1;
	++*lost_out;
	return 0;
}
