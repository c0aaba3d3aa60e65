/* SPDX-License-Identifier: MIT */
#include "pool/pool_policy.h"

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* At least 1: without any worker a lane would never notice a client. */
static int64_t minimum(const struct policy_limits *limits)
{
	return most(limits->min, 1);
}

/* Workers that serve now, or soon. */
static int64_t count_present(const struct policy_lane *lane)
{
	return lane->starting + lane->idle + lane->busy;
}

/* Clients wait, and no worker is idle, or the idle ones do not take them. */
static bool is_starved(const struct policy_lane *lane)
{
	return lane->pending && (lane->idle == 0 || lane->stuck);
}

/* The worker that turns clients away is missing. */
static bool lacks_one(const struct policy_lane *lane, const struct policy_limits *limits)
{
	return limits->one_idle && lane->starting + lane->idle + lane->start == 0;
}

/* How many workers the lane lacks, whatever room the pool has. */
static int64_t count_lack(const struct policy_lane *lane, const struct policy_limits *limits, int64_t step)
{
	int64_t spare = lane->starting + lane->idle + lane->start;
	int64_t need = limits->min_spare - spare;

	/* Workers that start will take clients from the queue first; what is still lacking is known only after that. */
	if (is_starved(lane) && lane->starting + lane->start == 0)
		need = most(need, step);
	return most(need, 0);
}

/* How far above `max` a pool may go for a moment, while successors start beside spent workers. */
static int64_t recycling_room(const struct policy_limits *limits)
{
	return 1 + limits->max / 8;
}

/* Lets NEED more workers start, as far as there is room. Returns how many. */
static int64_t add_starts(struct policy_lane *lane, int64_t need, int64_t room)
{
	int64_t n = most(least(need, room), 0);

	lane->start += n;
	return n;
}

static void retire_surplus(const struct policy_limits *limits, struct policy_lane *lane)
{
	int64_t surplus = least(lane->lowest, lane->idle) - limits->max_spare;

	if (limits->one_idle)
		surplus = least(surplus, lane->idle - 1);
	surplus = least(surplus, count_present(lane) - minimum(limits));
	lane->stop = most(surplus, 0);
}

/* `max` was lowered: idle workers above it are retired at once, busy ones when they have become idle. */
static void cut_back(const struct policy_limits *limits, struct policy_lane *lanes, size_t n, int64_t excess)
{
	for (size_t i = 0; i < n && excess > 0; i++) {
		int64_t spare = least(lanes[i].idle, count_present(&lanes[i]) - minimum(limits));

		spare = least(spare, excess);
		lanes[i].stop = most(lanes[i].stop, spare);
		excess -= most(lanes[i].stop, 0);
	}
}

/* At `max`: retires an idle worker of another lane, so that one can start here. True: there was one. */
static bool move_one(const struct policy_limits *limits, struct policy_lane *lanes, size_t n)
{
	int64_t keep = limits->one_idle ? 1 : 0;
	struct policy_lane *donor = NULL;

	for (size_t i = 0; i < n; i++) {
		struct policy_lane *lane = &lanes[i];

		if (lane->pending || lane->idle - lane->stop <= keep ||
		    count_present(lane) - lane->stop <= minimum(limits))
			continue;
		if (donor == NULL || lane->idle - lane->stop > donor->idle - donor->stop)
			donor = lane;
	}
	if (donor == NULL)
		return false;
	donor->stop++;
	return true;
}

static void replace_spent(const struct policy_limits *limits, struct policy_lane *lanes, size_t n, int64_t total)
{
	int64_t room = limits->max + recycling_room(limits) - total;

	for (size_t i = 0; i < n && room > 0; i++) {
		lanes[i].replace = least(lanes[i].spent, room);
		lanes[i].start += lanes[i].replace;
		room -= lanes[i].replace;
	}
}

struct policy_verdict pool_policy_decide(struct pool_policy *policy, const struct policy_limits *limits,
					 struct policy_lane *lanes, size_t n_lanes, int64_t now_ms)
{
	struct policy_verdict verdict = {.full = false};
	int64_t total = 0, room, leaving = 0, starting = 0, moves;
	bool hungry = false;

	if (policy->step == 0)
		policy->step = POLICY_STEP_FIRST;
	if (now_ms - policy->grown_ms > POLICY_CALM_MS)
		policy->step = POLICY_STEP_FIRST;
	if (policy->shrunk_ms == 0)
		policy->shrunk_ms = now_ms;
	verdict.interval_over = now_ms - policy->shrunk_ms >= POLICY_SHRINK_MS;
	if (verdict.interval_over)
		policy->shrunk_ms = now_ms;

	for (size_t i = 0; i < n_lanes; i++) {
		lanes[i].start = lanes[i].stop = lanes[i].replace = 0;
		total += count_present(&lanes[i]) + lanes[i].leaving;
		leaving += lanes[i].leaving;
		starting += lanes[i].starting;
		if (verdict.interval_over)
			retire_surplus(limits, &lanes[i]);
	}
	/* without those that start: they may be successors, whose predecessors leave when they are ready */
	cut_back(limits, lanes, n_lanes, total - leaving - starting - limits->max);
	if (now_ms < policy->held_until_ms)
		return verdict; /* the pool is held back; the next tick asks again */

	/*
	 * First the minimum of every lane, or a flood at one address would leave another without any worker. Then lanes
	 * that lack the worker which turns clients away, then lanes with queued clients, then lanes that lack spares.
	 */
	room = limits->max - total;
	for (size_t i = 0; i < n_lanes; i++) {
		int64_t need = minimum(limits) - count_present(&lanes[i]);

		room -= add_starts(&lanes[i], need, limits->keep_min ? need : room);
	}
	moves = leaving; /* workers that already make room */
	for (size_t i = 0; i < n_lanes; i++) {
		if (!lacks_one(&lanes[i], limits))
			continue;
		if (room > 0)
			room -= add_starts(&lanes[i], 1, room);
		else if (moves > 0)
			moves--; /* the worker starts in the place of one that leaves */
		else
			(void)move_one(limits, lanes, n_lanes);
	}
	for (size_t i = 0; i < n_lanes; i++) {
		int64_t need = is_starved(&lanes[i]) ? count_lack(&lanes[i], limits, policy->step) : 0;
		int64_t got = add_starts(&lanes[i], need, room);

		room -= got;
		hungry = hungry || got > 0;
		if (got >= need)
			continue;
		verdict.full = true;
		for (need -= got; need > moves; moves++)
			if (!move_one(limits, lanes, n_lanes))
				break;
	}
	for (size_t i = 0; i < n_lanes; i++)
		if (!is_starved(&lanes[i]))
			room -= add_starts(&lanes[i], count_lack(&lanes[i], limits, 0), room);
	if (hungry) {
		policy->grown_ms = now_ms;
		policy->step = least(policy->step * 2, POLICY_STEP_LAST);
	}
	replace_spent(limits, lanes, n_lanes, limits->max - room);
	return verdict;
}

void pool_policy_failed(struct pool_policy *policy, int64_t now_ms)
{
	int64_t hold = POLICY_HOLD_LAST_MS;

	if (now_ms < policy->held_until_ms)
		return; /* it was started together with the worker that failed first: one pause for all of them */
	if (policy->failures < 9)
		hold = least(hold, (int64_t)POLICY_HOLD_FIRST_MS << policy->failures);
	policy->failures++;
	policy->held_until_ms = now_ms + hold;
}

void pool_policy_proved(struct pool_policy *policy)
{
	policy->failures = 0;
	policy->held_until_ms = 0;
}
