/* SPDX-License-Identifier: MIT */
#include "net/race.h"

#include <sys/socket.h>

#include "net/addr.h"

static bool is_v6(const struct sockaddr_any *addr)
{
	return addr->sa.sa_family == AF_INET6;
}

/* The first target from FROM on that is IPv6 (V6) or is not; N if there is none. */
static size_t find_target(const struct sockaddr_any *targets, size_t from, size_t n, bool v6)
{
	while (from < n && is_v6(&targets[from]) != v6)
		from++;
	return from;
}

void race_order(struct sockaddr_any *targets, size_t n)
{
	bool v6 = n > 0 && is_v6(&targets[0]);
	size_t i;

	for (i = 0; i < n; i++, v6 = !v6) {
		size_t j = find_target(targets, i, n, v6);
		struct sockaddr_any chosen;

		if (j == n)
			continue; /* that family is used up */
		chosen = targets[j];
		for (; j > i; j--)
			targets[j] = targets[j - 1];
		targets[i] = chosen;
	}
}

void race_init(struct race *race, size_t n, int64_t limit_ms, int64_t now_ms)
{
	int64_t share = limit_ms > 0 && n > 0 ? limit_ms / (int64_t)n : RACE_STAGGER_MS;

	*race = (struct race){
		.n = n, .stagger_ms = share < RACE_STAGGER_MS ? share : RACE_STAGGER_MS, .next_ms = now_ms};
}

bool race_next(struct race *race, int64_t now_ms, size_t *index_out)
{
	if (race->started == race->n || now_ms < race->next_ms)
		return false;
	*index_out = race->started++;
	race->next_ms = now_ms + race->stagger_ms;
	return true;
}

void race_failed(struct race *race, int64_t now_ms)
{
	race->failed++;
	race->next_ms = now_ms;
}

bool race_lost(const struct race *race)
{
	return race->failed == race->n;
}

int64_t race_wait(const struct race *race, int64_t now_ms)
{
	if (race->started == race->n)
		return -1;
	return race->next_ms > now_ms ? race->next_ms - now_ms : 0;
}
