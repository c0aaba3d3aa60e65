/* SPDX-License-Identifier: MIT */
#include "workers_table.h"

#include <string.h>

#include "table.h"
#include "values.h"

#define TEXT_MAX      256
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct table_column columns[] = {
	{.title = "SERVICE", .left = true},
	{.title = "PID"},
	{.title = "STATE", .left = true},
	{.title = "FOR"},
	{.title = "AGE"},
	{.title = "REQUESTS"},
	{.title = "IN", .may_be_dropped = true},
	{.title = "OUT", .may_be_dropped = true},
	{.title = "GEN", .may_be_dropped = true},
	{.title = "LISTENER", .left = true},
	{.title = "PEER", .left = true},
};

static enum table_look choose_look(const char *state)
{
	if (strcmp(state, "busy") == 0)
		return TABLE_GOOD;
	return strcmp(state, "retiring") == 0 || strcmp(state, "starting") == 0 ? TABLE_WARN : TABLE_PLAIN;
}

static void add_worker(struct table *table, const json_t *worker)
{
	const json_t *bytes = json_object_get(worker, "bytes");
	char text[TEXT_MAX], number[VALUES_NUMBER_MAX];

	table_cell(table, TABLE_PLAIN, "%s", values_text(worker, "service", text, sizeof(text)));
	table_cell(table, TABLE_PLAIN, "%s", values_number(worker, "pid", number));
	(void)values_text(worker, "state", text, sizeof(text));
	table_cell(table, choose_look(text), "%s", text);
	table_cell(table, TABLE_PLAIN, "%s", values_age(worker, "since", number));
	table_cell(table, TABLE_PLAIN, "%s", values_age(worker, "age", number));
	table_cell(table, TABLE_PLAIN, "%s", values_count(worker, "requests", number));
	table_cell(table, TABLE_PLAIN, "%s", values_bytes(bytes, "in", number));
	table_cell(table, TABLE_PLAIN, "%s", values_bytes(bytes, "out", number));
	table_cell(table, TABLE_PLAIN, "%s", values_number(worker, "generation", number));
	table_cell(table, TABLE_PLAIN, "%s", values_text(worker, "listener", text, sizeof(text)));
	table_cell(table, TABLE_PLAIN, "%s", values_text(worker, "peer", text, sizeof(text)));
}

int workers_table_write(const json_t *workers, const struct table_paper *paper, FILE *out)
{
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	const json_t *worker;
	size_t i;
	int rc;

	json_array_foreach (workers, i, worker)
		add_worker(table, worker);
	rc = table_write(table, paper, out);
	table_free(&table);
	return rc;
}
