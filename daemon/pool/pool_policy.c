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

/* A lane without any worker would never see a client. */
static int64_t minimum(const struct policy_limits *limits)
{
	return most(limits->min, 1);
}

/* Those who serve now or soon. */
static int64_t present(const struct policy_lane *lane)
{
	return lane->starting + lane->idle + lane->busy;
}

/* Somebody waits, and nobody is free, or whoever seems to be does not take him. */
static bool starved(const struct policy_lane *lane)
{
	return lane->pending && (lane->idle == 0 || lane->stuck);
}

/* Whoever comes next would not even be turned away. */
static bool lacks_one(const struct policy_lane *lane, const struct policy_limits *limits)
{
	return limits->one_idle && lane->starting + lane->idle + lane->start == 0;
}

/* How many workers the lane lacks, without regard to the pool's room. */
static int64_t lack(const struct policy_lane *lane, const struct policy_limits *limits, int64_t step)
{
	int64_t spare = lane->starting + lane->idle + lane->start;
	int64_t need = limits->min_spare - spare;

	/* Those that start will take from the queue first; only then is it known what is still lacking. */
	if (starved(lane) && lane->starting + lane->start == 0)
		need = most(need, step);
	return most(need, 0);
}

/* Successors of spent workers may stand beside them for a moment: so far above max. */
static int64_t recycling_room(const struct policy_limits *limits)
{
	return 1 + limits->max / 8;
}

/* Lets NEED more start, as far as there is room; returns how many. */
static int64_t start(struct policy_lane *lane, int64_t need, int64_t room)
{
	int64_t n = most(least(need, room), 0);

	lane->start += n;
	return n;
}

static void shrink(const struct policy_limits *limits, struct policy_lane *lane)
{
	int64_t surplus = least(lane->lowest, lane->idle) - limits->max_spare;

	if (limits->one_idle)
		surplus = least(surplus, lane->idle - 1);
	surplus = least(surplus, present(lane) - minimum(limits));
	lane->stop = most(surplus, 0);
}

/* More than max, because somebody has lowered it: idle ones go at once, busy ones when they have become idle. */
static void cut_back(const struct policy_limits *limits, struct policy_lane *lanes, size_t n, int64_t excess)
{
	for (size_t i = 0; i < n && excess > 0; i++) {
		int64_t spare = least(lanes[i].idle, present(&lanes[i]) - minimum(limits));

		spare = least(spare, excess);
		lanes[i].stop = most(lanes[i].stop, spare);
		excess -= most(lanes[i].stop, 0);
	}
}

/* At max: an idle worker of another lane gives way to one here. True if there was one. */
static bool move_one(const struct policy_limits *limits, struct policy_lane *lanes, size_t n)
{
	int64_t keep = limits->one_idle ? 1 : 0;
	struct policy_lane *donor = NULL;

	for (size_t i = 0; i < n; i++) {
		struct policy_lane *lane = &lanes[i];

		if (lane->pending || lane->idle - lane->stop <= keep || present(lane) - lane->stop <= minimum(limits))
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
		total += present(&lanes[i]) + lanes[i].leaving;
		leaving += lanes[i].leaving;
		starting += lanes[i].starting;
		if (verdict.interval_over)
			shrink(limits, &lanes[i]);
	}
	/* those that start may be successors, whose predecessors leave when they are ready */
	cut_back(limits, lanes, n_lanes, total - leaving - starting - limits->max);
	if (now_ms < policy->held_until_ms)
		return verdict; /* the next tick asks again */

	/*
	 * Every lane's minimum first, or one lane's flood would leave another without any worker; then those without
	 * the one that turns away; then lanes with clients in the queue; then those that merely lack spare workers.
	 */
	room = limits->max - total;
	for (size_t i = 0; i < n_lanes; i++) {
		int64_t need = minimum(limits) - present(&lanes[i]);

		room -= start(&lanes[i], need, limits->keep_min ? need : room);
	}
	moves = leaving; /* those that already give way */
	for (size_t i = 0; i < n_lanes; i++) {
		if (!lacks_one(&lanes[i], limits))
			continue;
		if (room > 0)
			room -= start(&lanes[i], 1, room);
		else if (moves > 0)
			moves--; /* it comes in its place */
		else
			(void)move_one(limits, lanes, n_lanes);
	}
	for (size_t i = 0; i < n_lanes; i++) {
		int64_t need = starved(&lanes[i]) ? lack(&lanes[i], limits, policy->step) : 0;
		int64_t got = start(&lanes[i], need, room);

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
		if (!starved(&lanes[i]))
			room -= start(&lanes[i], lack(&lanes[i], limits, 0), room);
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
		return; /* one of those that started together with the first that failed */
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
