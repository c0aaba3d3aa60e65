/* SPDX-License-Identifier: MIT */
/* Master and worker. The last refusals. While one process writes an entry, others may overwrite or read it; a checksum
 * shows which entries are whole. */
#include "board/sources.h"
#include "board/sources_map.h"

static uint64_t checksum_of(uint64_t seq, const struct sources_refusal *refusal)
{
	const uint64_t words[] = {(uint64_t)refusal->at_ms, refusal->key,     (uint64_t)refusal->reason,
				  refusal->peer[0],	    refusal->peer[1], refusal->peer[2]};
	uint64_t sum = seq;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15ULL;
		sum ^= sum >> 32;
	}
	return sum;
}

void sources_refusal_note(struct sources *sources, const struct sources_refusal *refusal)
{
	uint64_t number = atomic_fetch_add(&sources->map->n_refusals, 1);
	struct source_refusal *place = &sources->map->refusal[number & (SOURCES_LAST_REFUSALS - 1)];

	atomic_store(&place->seq, 0);
	atomic_store(&place->at_ms, (uint64_t)refusal->at_ms);
	atomic_store(&place->key, refusal->key);
	atomic_store(&place->reason, (uint64_t)refusal->reason);
	for (size_t i = 0; i < 3; i++)
		atomic_store(&place->peer[i], refusal->peer[i]);
	atomic_store(&place->check, checksum_of(number + 1, refusal));
	atomic_store(&place->seq, number + 1);
}

static bool read_one(const struct source_refusal *place, uint64_t seq, struct sources_refusal *out)
{
	uint64_t reason = atomic_load(&place->reason);

	if (atomic_load(&place->seq) != seq || reason == REFUSED_NOT || reason >= REFUSALS)
		return false;
	*out = (struct sources_refusal){
		.at_ms = (int64_t)atomic_load(&place->at_ms),
		.key = atomic_load(&place->key),
		.reason = (enum refusal)reason,
	};
	for (size_t i = 0; i < 3; i++)
		out->peer[i] = atomic_load(&place->peer[i]);
	return atomic_load(&place->check) == checksum_of(seq, out);
}

size_t sources_refusals(const struct sources *sources, uint64_t key, struct sources_refusal *out, size_t max)
{
	uint64_t number = atomic_load(&sources->map->n_refusals);
	struct sources_refusal one;
	size_t n = 0;

	for (uint64_t back = 0; back < SOURCES_LAST_REFUSALS && n < max; back++) {
		uint64_t seq = number - back;

		if (!read_one(&sources->map->refusal[(seq - 1) & (SOURCES_LAST_REFUSALS - 1)], seq, &one))
			continue;
		if (key == 0 || one.key == key)
			out[n++] = one;
	}
	return n;
}
