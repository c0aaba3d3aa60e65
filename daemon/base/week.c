/* SPDX-License-Identifier: MIT */
#include "base/week.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/err.h"

#define DAYS	   7
#define EVERY_DAY  0x7fU
#define DAY_MIN	   (24 * 60)
#define QUARTER_S  (15 * 60)
#define SEARCHED_S (15 * 24 * 60 * 60)

static const char *const names[DAYS] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

/* ---- as people write them ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes "Mon" or "Monday", in upper or lower case. -1: there is no such day. */
static int take_day(const char **p)
{
	size_t len = strspn(*p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

	for (int i = 0; i < DAYS; i++) {
		if ((len == 3 || len == strlen(names[i])) && strncasecmp(*p, names[i], len) == 0) {
			*p += len;
			return i;
		}
	}
	return -1;
}

/* Takes "Mon", "Mon-Fri" or "Mon,Wed-Fri". */
static int take_days(const char **p, uint32_t *out)
{
	uint32_t days = 0;

	for (;;) {
		int first = take_day(p), last = first;

		if (first >= 0 && **p == '-') {
			(*p)++;
			last = take_day(p);
		}
		if (first < 0 || last < 0)
			return -1;
		for (int day = first;; day = (day + 1) % DAYS) {
			days |= 1U << day;
			if (day == last)
				break;
		}
		if (**p != ',')
			break;
		(*p)++;
	}
	*out = days;
	return 0;
}

/* Takes "8:00", "08:00" or "24:00". -1: it is no such time. */
static int take_minute(const char **p, int32_t *out)
{
	const char *at = *p;
	int32_t hour = 0, minute;

	for (int i = 0; i < 2 && is_digit(*at); i++)
		hour = hour * 10 + (*at++ - '0');
	if (at == *p || *at != ':' || !is_digit(at[1]) || !is_digit(at[2]))
		return -1;
	minute = (at[1] - '0') * 10 + (at[2] - '0');
	if (minute > 59 || hour * 60 + minute > DAY_MIN)
		return -1;
	*p = at + 3;
	*out = hour * 60 + minute;
	return 0;
}

int week_parse(const char *text, struct week_range *out, struct err *err)
{
	struct week_range range = {.days = EVERY_DAY};
	const char *p = text;

	if (!is_digit(*p)) {
		if (take_days(&p, &range.days) < 0)
			return err_set(err,
				       "\"%.64s\": no such day; the days are Mon, Tue, Wed, Thu, Fri, Sat and Sun, for "
				       "example \"Mon-Fri 08:00-18:00\"",
				       text);
		if (*p != ' ')
			return err_set(err,
				       "\"%.64s\": after the days comes a time, for example \"Mon-Fri 08:00-18:00\"",
				       text);
		p += strspn(p, " ");
	}
	if (take_minute(&p, &range.from) < 0 || *p++ != '-' || take_minute(&p, &range.to) < 0)
		return err_set(err, "\"%.64s\": a time is written HH:MM-HH:MM, from 00:00 to 24:00", text);
	if (*p != '\0')
		return err_set(err, "\"%.64s\": too long: each range is a string of its own", text);
	if (range.from == DAY_MIN)
		return err_set(err, "\"%.64s\": 24:00 is an end only; a range begins at 00:00 of the next day", text);
	if (range.from == range.to)
		return err_set(err, "\"%.64s\": it ends when it begins; a whole day is 00:00-24:00", text);
	*out = range;
	return 0;
}

/* ---- now ---- */

static bool contains(const struct week_range *range, const struct tm *tm)
{
	bool today = (range->days >> tm->tm_wday & 1) != 0;
	bool yesterday = (range->days >> (tm->tm_wday + DAYS - 1) % DAYS & 1) != 0;
	int32_t minute = tm->tm_hour * 60 + tm->tm_min;

	if (range->from < range->to)
		return today && minute >= range->from && minute < range->to;
	return (today && minute >= range->from) || (yesterday && minute < range->to);
}

static bool contain(const struct week_range *ranges, size_t n, const struct tm *tm)
{
	for (size_t i = 0; i < n; i++)
		if (contains(&ranges[i], tm))
			return true;
	return false;
}

/*
 * The next second after AT at which the answer may change, for a wall clock that shows TM at AT: the nearest begin or
 * end of a range, or the nearest quarter of an hour, because the clocks of a zone are only put forward or back there.
 */
static int64_t next_candidate(const struct week_range *ranges, size_t n, int64_t at, const struct tm *tm)
{
	int32_t minute = tm->tm_hour * 60 + tm->tm_min, nearest = DAY_MIN;
	int64_t quarter = QUARTER_S - at % QUARTER_S, range;

	for (size_t i = 0; i < n; i++) {
		if (ranges[i].from > minute && ranges[i].from < nearest)
			nearest = ranges[i].from;
		if (ranges[i].to > minute && ranges[i].to < nearest)
			nearest = ranges[i].to;
	}
	range = (int64_t)(nearest - minute) * 60 - tm->tm_sec;
	return at + (range > 0 && range < quarter ? range : quarter);
}

bool week_look(const struct week_range *ranges, size_t n, int64_t now, int64_t *until_out)
{
	int64_t at = now;
	struct tm tm;
	bool open;

	*until_out = WEEK_NEVER;
	if (now < 0 || localtime_r(&at, &tm) == NULL)
		return false; /* a clock that shows no date */
	open = contain(ranges, n, &tm);
	while (at < now + SEARCHED_S) {
		at = next_candidate(ranges, n, at, &tm);
		if (localtime_r(&at, &tm) == NULL)
			break;
		if (contain(ranges, n, &tm) != open) {
			*until_out = at;
			break;
		}
	}
	return open;
}
