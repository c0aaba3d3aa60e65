/* SPDX-License-Identifier: MIT */
#include "deaths_table.h"

#include <string.h>

#include "table.h"
#include "values.h"

#define TEXT_MAX      256
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct table_column columns[] = {
	{.title = "AGO"},
	{.title = "PID"},
	{.title = "KIND", .left = true, .may_be_dropped = true},
	{.title = "ENDED BY", .left = true},
	{.title = "PEER", .left = true, .may_be_cut = true},
	{.title = "PHASE", .left = true},
	{.title = "AFTER"},
	{.title = "IN", .may_be_dropped = true},
	{.title = "OUT", .may_be_dropped = true},
	{.title = "CPU", .may_be_dropped = true},
	{.title = "MEMORY", .may_be_dropped = true},
	{.title = "REASON", .left = true},
};

static const char *describe_ago(const json_t *death, double now, char out[VALUES_NUMBER_MAX])
{
	double time;

	if (!values_real(death, "time", &time))
		return "-";
	return values_age_of(now > time ? now - time : 0, out);
}

/* "SIGSEGV, core", "status 3" */
static const char *describe_end(const json_t *death, char *out, size_t size)
{
	char name[TEXT_MAX], number[VALUES_NUMBER_MAX];
	int64_t status;

	if (values_integer(death, "status", &status))
		(void)snprintf(out, size, "status %s", values_number(death, "status", number));
	else
		(void)snprintf(out, size, "%s%s", values_text(death, "signal", name, sizeof(name)),
			       json_is_true(json_object_get(death, "core")) ? ", core" : "");
	return out;
}

static const char *describe_cpu(const json_t *death, char *out, size_t size)
{
	double seconds;

	if (!values_real(death, "cpu", &seconds) || !(seconds >= 0 && seconds < 1e12))
		return "-";
	(void)snprintf(out, size, "%.*fs", seconds < 10 ? 3 : 0, seconds);
	return out;
}

static void add_death(struct table *table, const json_t *death, double now)
{
	const json_t *bytes = json_object_get(death, "bytes");
	char text[TEXT_MAX + 16], number[VALUES_NUMBER_MAX];

	table_cell(table, TABLE_PLAIN, "%s", describe_ago(death, now, number));
	table_cell(table, TABLE_PLAIN, "%s", values_number(death, "pid", number));
	table_cell(table, TABLE_PLAIN, "%s", values_text(death, "kind", text, sizeof(text)));
	table_cell(table, TABLE_BAD, "%s", describe_end(death, text, sizeof(text)));
	table_cell(table, TABLE_PLAIN, "%s", values_text(death, "peer", text, sizeof(text)));
	table_cell(table, TABLE_PLAIN, "%s", values_text(death, "phase", text, sizeof(text)));
	table_cell(table, TABLE_PLAIN, "%s", values_age(death, "age", number));
	table_cell(table, TABLE_PLAIN, "%s", values_bytes(bytes, "in", number));
	table_cell(table, TABLE_PLAIN, "%s", values_bytes(bytes, "out", number));
	table_cell(table, TABLE_PLAIN, "%s", describe_cpu(death, text, sizeof(text)));
	table_cell(table, TABLE_PLAIN, "%s", values_bytes(death, "max_rss", number));
	table_cell(table, TABLE_PLAIN, "%s", values_text(death, "reason", text, sizeof(text)));
}

static void write_heading(const json_t *service, FILE *out)
{
	char name[TEXT_MAX], number[VALUES_NUMBER_MAX];
	int64_t lost;

	(void)fprintf(out, "\nThe last deaths of %s, the newest first",
		      values_text(service, "name", name, sizeof(name)));
	if (values_integer(service, "deaths_lost", &lost) && lost > 0)
		(void)fprintf(out, " (%s more came too soon after each other to be seen)",
			      values_count_of(lost, number));
	(void)fputs(":\n", out);
}

int deaths_table_write(const json_t *service, double now, const struct table_paper *paper, FILE *out)
{
	const json_t *deaths = json_object_get(service, "deaths"), *death;
	struct table *table;
	size_t i;
	int rc;

	if (json_array_size(deaths) == 0)
		return 0;
	table = table_new(columns, ARRAY_SIZE(columns));
	json_array_foreach (deaths, i, death)
		add_death(table, death, now);
	write_heading(service, out);
	rc = table_write(table, paper, out);
	table_free(&table);
	return rc;
}
