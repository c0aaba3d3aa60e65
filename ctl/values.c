/* SPDX-License-Identifier: MIT */
#include "values.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/escape.h"

#define EXACT_UP_TO 999999

bool values_integer(const json_t *object, const char *key, int64_t *out)
{
	const json_t *value = json_object_get(object, key);

	*out = 0;
	if (!json_is_integer(value))
		return false;
	*out = json_integer_value(value);
	return true;
}

bool values_real(const json_t *object, const char *key, double *out)
{
	const json_t *value = json_object_get(object, key);

	*out = 0;
	if (!json_is_number(value))
		return false;
	*out = json_number_value(value);
	return true;
}

const char *values_text(const json_t *object, const char *key, char *out, size_t size)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_string(value))
		(void)escape_bytes(json_string_value(value), json_string_length(value), out, size);
	else
		(void)snprintf(out, size, "-");
	return out;
}

static const char *write_dash(char out[VALUES_NUMBER_MAX])
{
	(void)snprintf(out, VALUES_NUMBER_MAX, "-");
	return out;
}

const char *values_number(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX])
{
	int64_t n;

	if (!values_integer(object, key, &n))
		return write_dash(out);
	(void)snprintf(out, VALUES_NUMBER_MAX, "%" PRId64, n);
	return out;
}

/* Writes three digits and a unit, as in "1.23M", "12.3M", "123M". */
static const char *format_scaled(double value, double step, char out[VALUES_NUMBER_MAX])
{
	static const char units[] = {'k', 'M', 'G', 'T', 'P', 'E'};
	size_t i = 0;

	value /= step;
	while (value >= 999.5 && i + 1 < sizeof(units)) {
		value /= step;
		i++;
	}
	(void)snprintf(out, VALUES_NUMBER_MAX, "%.*f%c", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[i]);
	return out;
}

const char *values_count_of(int64_t n, char out[VALUES_NUMBER_MAX])
{
	if (n > EXACT_UP_TO)
		return format_scaled((double)n, 1000, out);
	(void)snprintf(out, VALUES_NUMBER_MAX, "%" PRId64, n);
	return out;
}

const char *values_count(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX])
{
	int64_t n;

	return values_integer(object, key, &n) ? values_count_of(n, out) : write_dash(out);
}

const char *values_bytes(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX])
{
	int64_t n;

	if (!values_integer(object, key, &n))
		return write_dash(out);
	if (n >= 1000)
		return format_scaled((double)n, 1024, out);
	(void)snprintf(out, VALUES_NUMBER_MAX, "%" PRId64, n);
	return out;
}

const char *values_rate(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX])
{
	double rate;

	if (!values_real(object, key, &rate))
		return write_dash(out);
	if (rate > EXACT_UP_TO)
		(void)format_scaled(rate, 1000, out);
	else if (!(rate >= -EXACT_UP_TO))
		return write_dash(out);
	else
		(void)snprintf(out, VALUES_NUMBER_MAX - 2, "%.*f", rate < 9.95 ? 1 : 0, rate);
	for (size_t i = 0;; i++) {
		if (out[i] == '\0') {
			(void)snprintf(out + i, VALUES_NUMBER_MAX - i, "/s");
			return out;
		}
	}
}

/* Writes the two largest units of a time. */
static const char *format_age(double seconds, const char *const units[4], const char *gap, char out[VALUES_NUMBER_MAX])
{
	static const int64_t lengths[] = {86400, 3600, 60, 1};
	int64_t whole;
	size_t i = 0;

	if (!(seconds >= 0 && seconds < 1e12))
		return write_dash(out);
	whole = (int64_t)seconds;
	while (i < 3 && whole < lengths[i])
		i++;
	if (i == 3)
		(void)snprintf(out, VALUES_NUMBER_MAX, "%" PRId64 "%s", whole, units[3]);
	else
		(void)snprintf(out, VALUES_NUMBER_MAX, "%" PRId64 "%s%s%" PRId64 "%s", whole / lengths[i], units[i],
			       gap, whole % lengths[i] / lengths[i + 1], units[i + 1]);
	return out;
}

const char *values_age_of(double seconds, char out[VALUES_NUMBER_MAX])
{
	static const char *const units[] = {"d", "h", "m", "s"};

	return format_age(seconds, units, "", out);
}

const char *values_age(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX])
{
	double seconds;

	return values_real(object, key, &seconds) ? values_age_of(seconds, out) : write_dash(out);
}

const char *values_age_words(const json_t *object, const char *key, char out[VALUES_NUMBER_MAX])
{
	static const char *const units[] = {" d", " h", " min", " s"};
	double seconds;

	return values_real(object, key, &seconds) ? format_age(seconds, units, " ", out) : write_dash(out);
}

void values_add(struct values_sum *sum, const json_t *object, const char *key)
{
	int64_t n;

	if (!values_integer(object, key, &n))
		return;
	sum->known = true;
	if (__builtin_add_overflow(sum->n, n, &sum->n))
		sum->n = n < 0 ? INT64_MIN : INT64_MAX;
}

const char *values_sum_text(const struct values_sum *sum, char out[VALUES_NUMBER_MAX])
{
	return sum->known ? values_count_of(sum->n, out) : write_dash(out);
}
