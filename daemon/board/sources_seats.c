/* SPDX-License-Identifier: MIT */
/*
 * Master and worker. Seats: the connections that exist now.
 *
 * How a worker takes its seat: it marks the seat as an attempt, looks at all seats, and then
 * - takes it for good, if there is room even if all other attempts succeed;
 * - gives up, if the seats taken for good leave no room, as two looks in a row have seen in the same way;
 * - otherwise other workers are trying at the same time, and those with lower seats come first: a worker that sees too
 *   many attempts before its own takes its attempt back and looks again after a pause; the others wait until it has.
 *
 * Never too many get in: among the workers that have taken a seat, the one that marked its attempt last has seen all
 * the others. Never too few: the first one of those that try never takes its attempt back, so as long as there is room
 * somebody gets it.
 */
#include <sched.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "board/sources.h"
#include "board/sources_map.h"

#define TRY_MS	   1000	    /* the attempt of a worker that was stopped or killed holds up others no longer than this */
#define YIELDS	   16	    /* looks with a yield between them, before the worker sleeps between two looks */
#define PAUSE_MOST 5000000L /* ns */

/* ---- master ---- */

static void set_high_water(struct sources *sources, size_t seat)
{
	if (seat >= sources->n_seats)
		sources->n_seats = seat + 1;
}

/* Frees the seat. Its number stays, so that a worker that looks twice does not take the next client for the same one.
 */
static void clear_seat(struct sources *sources, size_t seat)
{
	_Atomic uint64_t *word = &sources->map->seat[seat];

	atomic_store(word, atomic_load(word) & SEAT_COUNT);
}

int sources_seat_take(struct sources *sources)
{
	const bool *free_one = memchr(sources->seat_used, false, SOURCES_SEATS);
	size_t seat;

	if (free_one == NULL)
		return -1;
	seat = (size_t)(free_one - sources->seat_used);
	sources->seat_used[seat] = true;
	set_high_water(sources, seat);
	clear_seat(sources, seat);
	/* Before the worker exists: another worker whose look misses the new seat has marked its own seat earlier, and
	 * the new worker sees that. */
	atomic_store(&sources->map->n_seats, (uint32_t)sources->n_seats);
	return (int)seat;
}

int sources_seat_keep(struct sources *sources, size_t seat)
{
	if (seat >= SOURCES_SEATS || sources->seat_used[seat])
		return -1;
	sources->seat_used[seat] = true;
	set_high_water(sources, seat);
	/* never lower it: other workers that live on have higher seats */
	if (atomic_load(&sources->map->n_seats) < sources->n_seats)
		atomic_store(&sources->map->n_seats, (uint32_t)sources->n_seats);
	return 0;
}

void sources_seat_free(struct sources *sources, size_t seat)
{
	if (seat >= SOURCES_SEATS || !sources->seat_used[seat])
		return;
	clear_seat(sources, seat);
	sources->seat_used[seat] = false;
}

void sources_mend(struct sources *sources)
{
	if (atomic_load(&sources->map->n_seats) != sources->n_seats)
		atomic_store(&sources->map->n_seats, (uint32_t)sources->n_seats);
	for (size_t i = 0; i < sources->n_seats; i++)
		if (!sources->seat_used[i] && (atomic_load(&sources->map->seat[i]) & ~SEAT_COUNT) != 0)
			clear_seat(sources, i);
}

uint64_t sources_seat_word(const struct sources *sources, size_t seat)
{
	return atomic_load(&sources->map->seat[seat]);
}

void sources_seat_empty(struct sources *sources, size_t seat, uint64_t word)
{
	if ((word & ~SEAT_COUNT) != 0)
		(void)atomic_compare_exchange_strong(&sources->map->seat[seat], &word, word & SEAT_COUNT);
}

/* ---- looking ---- */

struct tally_seen {
	size_t sitting;	      /* seats taken for good */
	size_t trying;	      /* attempts */
	size_t trying_before; /* of these, in lower seats than the own one */
	uint64_t who;	      /* a hash of the seats taken for good: the same if the same clients have them */
};

struct look {
	struct tally_seen same, all;
};

static void count_seat(struct tally_seen *tally, uint64_t word, size_t seat, size_t own)
{
	if ((word & SEAT_TENTATIVE) != 0) {
		tally->trying++;
		tally->trying_before += seat < own;
		return;
	}
	tally->sitting++;
	tally->who = (tally->who ^ word ^ seat) * 0x9e3779b97f4a7c15ULL;
}

/* Looks at all seats but OWN. */
static void look_around(const struct sources *sources, size_t own, uint64_t key, struct look *look)
{
	size_t n = atomic_load(&sources->map->n_seats);

	*look = (struct look){.same = {.sitting = 0}};
	if (n > SOURCES_SEATS)
		n = SOURCES_SEATS;
	for (size_t i = 0; i < n; i++) {
		uint64_t word = atomic_load(&sources->map->seat[i]);

		if ((word & SEAT_KEY) == 0 || i == own)
			continue;
		count_seat(&look->all, word, i, own);
		if ((word & SEAT_KEY) == (key & SEAT_KEY))
			count_seat(&look->same, word, i, own);
	}
}

struct sources_taken sources_taken(const struct sources *sources, uint64_t key)
{
	struct look look;

	look_around(sources, SOURCES_SEATS, key, &look);
	return (struct sources_taken){.same = look.same.sitting, .all = look.all.sitting};
}

/* ---- sitting down ---- */

enum room {
	ROOM_NONE,    /* the seats taken for good leave no room */
	ROOM_LATER,   /* other attempts come first */
	ROOM_SOON,    /* this attempt is among the first: the others will take theirs back */
	ROOM_FOR_ALL, /* even if all attempts succeed */
};

static enum room room_in(const struct tally_seen *tally, size_t most)
{
	if (most == 0 || tally->sitting + tally->trying < most)
		return ROOM_FOR_ALL;
	if (tally->sitting >= most)
		return ROOM_NONE;
	return tally->sitting + tally->trying_before < most ? ROOM_SOON : ROOM_LATER;
}

/* Did both looks find the same limit reached, by the same clients? */
static bool is_settled(const struct look *a, const struct look *b, size_t most_same, size_t most_all)
{
	return (room_in(&a->same, most_same) == ROOM_NONE && room_in(&b->same, most_same) == ROOM_NONE &&
		a->same.who == b->same.who) ||
	       (room_in(&a->all, most_all) == ROOM_NONE && room_in(&b->all, most_all) == ROOM_NONE &&
		a->all.who == b->all.who);
}

static enum room worse_of(enum room a, enum room b)
{
	return a < b ? a : b;
}

static void pause_a_little(unsigned tries, size_t seat)
{
	struct timespec ts = {.tv_nsec = 0};
	unsigned doublings;

	if (tries < YIELDS) {
		(void)sched_yield();
		return;
	}
	/* not for the same time in all workers */
	doublings = tries - YIELDS < 6 ? tries - YIELDS : 6;
	ts.tv_nsec = (100000L << doublings) / 2 + (long)(seat % 64) * 1000;
	if (ts.tv_nsec > PAUSE_MOST)
		ts.tv_nsec = PAUSE_MOST;
	(void)nanosleep(&ts, NULL);
}

/* The number that was seen; attempts included if the worker gives up because of them. */
static struct sources_taken count_taken(const struct look *look, bool tries_too)
{
	return (struct sources_taken){
		.same = look->same.sitting + (tries_too ? look->same.trying : 0),
		.all = look->all.sitting + (tries_too ? look->all.trying : 0),
	};
}

static bool try_to_sit(struct sources *sources, size_t seat, uint64_t word, const size_t most[2],
		       struct sources_taken *taken_out)
{
	_Atomic uint64_t *own = &sources->map->seat[seat];
	int64_t start = clock_ms();
	struct look look, before = {.same = {.sitting = 0}};
	bool trying = true, full_before = false, settled = false;

	atomic_store(own, word | SEAT_TENTATIVE);
	for (unsigned tries = 0; tries < SOURCES_TRIES && !settled; tries++) {
		enum room room;

		look_around(sources, seat, word, &look);
		room = worse_of(room_in(&look.same, most[0]), room_in(&look.all, most[1]));
		if (room == ROOM_FOR_ALL && trying) {
			*taken_out = count_taken(&look, false);
			atomic_store(own, word);
			return true;
		}
		if (room == ROOM_FOR_ALL) { /* there is room again: this look was without an attempt, so make one and
					       look again */
			trying = true;
			atomic_store(own, word | SEAT_TENTATIVE);
			continue;
		}
		/* one look is not enough: it may see the same client in two seats, one after the other */
		settled = full_before && room == ROOM_NONE && is_settled(&before, &look, most[0], most[1]);
		full_before = room == ROOM_NONE;
		before = look;
		*taken_out = count_taken(&look, !settled);
		if (trying != (room == ROOM_SOON)) {
			trying = room == ROOM_SOON;
			atomic_store(own, trying ? word | SEAT_TENTATIVE : word & SEAT_COUNT);
		}
		if (room == ROOM_NONE)
			continue;
		if (clock_ms() - start > TRY_MS)
			break;
		pause_a_little(tries, seat);
	}
	atomic_store(own, word & SEAT_COUNT);
	return false;
}

bool sources_sit(struct sources *sources, size_t seat, uint64_t key, size_t most_same, size_t most_all,
		 struct sources_taken *taken_out)
{
	const size_t most[2] = {most_same, most_all};
	uint64_t word;

	*taken_out = (struct sources_taken){.same = 0};
	if (seat >= SOURCES_SEATS)
		return false;
	word = (atomic_load(&sources->map->seat[seat]) + SEAT_COUNT_ONE) & SEAT_COUNT;
	word |= key & SEAT_KEY;
	if (most_same == 0 && most_all == 0) {
		atomic_store(&sources->map->seat[seat], word);
		return true;
	}
	return try_to_sit(sources, seat, word, most, taken_out);
}

void sources_stand(struct sources *sources, size_t seat)
{
	if (seat < SOURCES_SEATS)
		clear_seat(sources, seat);
}
