/* SPDX-License-Identifier: MIT */
#include "status_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "values.h"

#define NAME_MAX_BYTES 256
#define ARRAY_SIZE(a)  (sizeof(a) / sizeof((a)[0]))

static const struct table_column columns[] = {
	{.title = "SERVICE", .left = true, .may_be_cut = true},
	{.title = "HANDLER", .left = true, .may_be_dropped = true},
	{.title = "STATE", .left = true},
	{.title = "IDLE"},
	{.title = "BUSY"},
	{.title = "MAX", .may_be_dropped = true},
	{.title = "QUEUE"},
	{.title = "RATE"},
	{.title = "ACCEPTED"},
	{.title = "REFUSED"},
	{.title = "FAILED"},
	{.title = "DROPS"},
	{.title = "CRASH"},
};

/* A service and its sort keys. */
struct entry {
	const json_t *service;
	const char *name;
	double weight; /* largest first */
	size_t index;
};

const char *status_sort_name(enum status_sort sort)
{
	static const char *const names[STATUS_SORTS] = {"unsorted", "by name", "by busy", "by rate", "by queue"};

	return names[sort];
}

static enum table_look choose_look(const char *state)
{
	static const struct {
		const char *state;
		enum table_look look;
	} looks[] = {
		{"serving", TABLE_GOOD},   {"starting", TABLE_WARN}, {"reloading", TABLE_WARN},
		{"upgrading", TABLE_WARN}, {"paused", TABLE_WARN},   {"draining", TABLE_WARN},
		{"drained", TABLE_WARN},   {"waiting", TABLE_WARN},  {"throttled", TABLE_BAD},
		{"mixed", TABLE_WARN},	   {"stopping", TABLE_BAD},
	};

	for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
		if (strcmp(looks[i].state, state) == 0)
			return looks[i].look;
	return TABLE_PLAIN;
}

static enum table_look look_if_any(const struct values_sum *sum, enum table_look look)
{
	return sum->known && sum->n > 0 ? look : TABLE_PLAIN;
}

/* Returns the number of lines. */
static int write_head(const json_t *status, const struct table_paper *paper, FILE *out)
{
	const json_t *reload = json_object_get(status, "last_reload");
	char text[NAME_MAX_BYTES], number[VALUES_NUMBER_MAX];
	char line[1024];
	int64_t lost;
	int lines = 1;

	(void)fprintf(out, "preforkd %s is ", values_text(status, "version", text, sizeof(text)));
	(void)values_text(status, "state", text, sizeof(text));
	table_put(paper, choose_look(text), text, out);
	(void)fprintf(out, ", pid %s", values_number(status, "pid", number));
	(void)fprintf(out, ", up %s", values_age_words(status, "uptime", number));
	(void)fprintf(out, ", generation %s\n", values_number(status, "generation", number));
	if (json_is_false(json_object_get(reload, "success"))) {
		char why[512];

		(void)snprintf(line, sizeof(line), "The last reload failed, %s ago: %s",
			       values_age_words(reload, "age", number), values_text(reload, "text", why, sizeof(why)));
		table_put(paper, TABLE_BAD, line, out);
		(void)fputc('\n', out);
		lines++;
	}
	if (values_integer(status, "log_lost", &lost) && lost > 0) {
		(void)snprintf(line, sizeof(line), "%" PRId64 " line%s of the log %s lost", lost, lost == 1 ? "" : "s",
			       lost == 1 ? "is" : "are");
		table_put(paper, TABLE_WARN, line, out);
		(void)fputc('\n', out);
		lines++;
	}
	return lines;
}

/* Writes the members KEYS of OBJECT that are not 0, as in "12 starting, 3 retiring"; an empty string if all are 0. */
static void list_members(const json_t *object, const char *const *keys, size_t n, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		char number[VALUES_NUMBER_MAX];
		int64_t value;
		int rc;

		if (!values_integer(object, keys[i], &value) || value == 0)
			continue;
		rc = snprintf(out + used, size - used, "%s%s %s", used > 0 ? ", " : "", values_count_of(value, number),
			      keys[i]);
		if (rc < 0 || (size_t)rc >= size - used)
			return;
		used += (size_t)rc;
	}
}

/* A note with all members of REFUSED that are not 0. The daemon chooses their names, so they are escaped. */
static void add_reasons(struct table *table, json_t *refused)
{
	char line[512] = "", name[64], number[VALUES_NUMBER_MAX];
	size_t used = 0;
	const char *key;
	json_t *value;

	json_object_foreach (refused, key, value) {
		json_t *boxed;
		int rc;

		if (!json_is_integer(value) || json_integer_value(value) == 0)
			continue;
		boxed = json_pack("{s:s}", "k", key);
		rc = snprintf(line + used, sizeof(line) - used, "%s%s %s", used > 0 ? ", " : "",
			      values_count_of(json_integer_value(value), number),
			      values_text(boxed, "k", name, sizeof(name)));
		json_decref(boxed);
		if (rc < 0 || (size_t)rc >= sizeof(line) - used)
			break;
		used += (size_t)rc;
	}
	if (used > 0)
		table_note(table, TABLE_WARN, "    refused: %s", line);
}

/* Is the queue shorter than the configuration asks (net.core.somaxconn)? */
static bool is_short(const json_t *listener)
{
	int64_t backlog, asked;

	return values_integer(listener, "backlog", &backlog) && values_integer(listener, "backlog_asked", &asked) &&
	       backlog < asked;
}

/* ", shut down", ", nobody accepts" or ", mended 2 times"; "" for a listener that has always been well. */
static const char *describe_trouble(const json_t *listener, char *out, size_t size)
{
	char trouble[64], number[VALUES_NUMBER_MAX];
	int64_t mended;

	out[0] = '\0';
	if (json_is_string(json_object_get(listener, "trouble")))
		(void)snprintf(out, size, ", %s", values_text(listener, "trouble", trouble, sizeof(trouble)));
	else if (values_integer(listener, "mended", &mended) && mended > 0)
		(void)snprintf(out, size, ", mended %s time%s", values_count_of(mended, number),
			       mended == 1 ? "" : "s");
	return out;
}

static bool is_for_datagrams(const json_t *listener)
{
	const char *address = json_string_value(json_object_get(listener, "address"));

	return address != NULL && (strncmp(address, "udp:", 4) == 0 || strncmp(address, "unixgram:", 9) == 0);
}

static void add_listeners(struct table *table, const json_t *listeners, bool always)
{
	char address[NAME_MAX_BYTES], queue[VALUES_NUMBER_MAX], backlog[VALUES_NUMBER_MAX];
	char drops[VALUES_NUMBER_MAX], asked[VALUES_NUMBER_MAX], trouble[96];
	const json_t *listener;
	size_t width = 0, i;

	always |= json_array_size(listeners) > 1;
	json_array_foreach (listeners, i, listener) {
		size_t w = table_text_width(values_text(listener, "address", address, sizeof(address)));

		width = w > width ? w : width;
	}
	json_array_foreach (listeners, i, listener) {
		(void)describe_trouble(listener, trouble, sizeof(trouble));
		if (!always && !is_short(listener) && trouble[0] == '\0')
			continue;
		(void)values_text(listener, "address", address, sizeof(address));
		if (is_for_datagrams(listener)) {
			table_note(table, TABLE_PLAIN, "    %s%*s  %s dropped%s", address,
				   (int)(width - table_text_width(address)), "", values_count(listener, "drops", drops),
				   trouble);
			continue;
		}
		table_note(table, TABLE_PLAIN, "    %s%*s  queue %s/%s%s%s%s, %s dropped%s", address,
			   (int)(width - table_text_width(address)), "", values_count(listener, "queue", queue),
			   values_count(listener, "backlog", backlog), is_short(listener) ? " (" : "",
			   is_short(listener) ? values_count(listener, "backlog_asked", asked) : "",
			   is_short(listener) ? " asked for)" : "", values_count(listener, "drops", drops), trouble);
	}
}

static void add_queue(struct table *table, const json_t *listeners)
{
	struct values_sum queue = {.n = 0}, backlog = {.n = 0};
	char a[VALUES_NUMBER_MAX], b[VALUES_NUMBER_MAX];
	const json_t *listener;
	size_t i;

	json_array_foreach (listeners, i, listener) {
		values_add(&queue, listener, "queue");
		values_add(&backlog, listener, "backlog");
	}
	if (!queue.known && backlog.known && backlog.n == 0) { /* sockets for datagrams only */
		table_cell(table, TABLE_PLAIN, "-");
		return;
	}
	table_cell(table, look_if_any(&queue, TABLE_WARN), "%s/%s", values_sum_text(&queue, a),
		   values_sum_text(&backlog, b));
}

static void add_workers(struct table *table, const json_t *workers)
{
	char number[VALUES_NUMBER_MAX];
	int64_t idle, busy;
	bool all_busy = values_integer(workers, "idle", &idle) && values_integer(workers, "busy", &busy) && idle == 0 &&
			busy > 0;

	table_cell(table, TABLE_PLAIN, "%s", values_count(workers, "idle", number));
	table_cell(table, all_busy ? TABLE_WARN : TABLE_PLAIN, "%s", values_count(workers, "busy", number));
	table_cell(table, TABLE_PLAIN, "%s", values_count(workers, "max", number));
}

/* The cells REFUSED, FAILED, DROPS and CRASH. */
static void add_trouble(struct table *table, const json_t *service)
{
	struct values_sum refused = {.n = 0}, failed = {.n = 0}, drops = {.n = 0}, crashes = {.n = 0};
	const json_t *connections = json_object_get(service, "connections");
	json_t *reasons = json_object_get(connections, "refused");
	const json_t *listener;
	char number[VALUES_NUMBER_MAX];
	const char *key;
	json_t *value;
	size_t i;

	/* an empty object means 0 refusals, not an unknown number */
	refused.known = json_is_object(reasons);
	json_object_foreach (reasons, key, value)
		values_add(&refused, reasons, key);
	json_array_foreach (json_object_get(service, "listeners"), i, listener)
		values_add(&drops, listener, "drops");
	values_add(&failed, connections, "failed");
	values_add(&crashes, service, "crashes");
	table_cell(table, look_if_any(&refused, TABLE_WARN), "%s", values_sum_text(&refused, number));
	table_cell(table, look_if_any(&failed, TABLE_WARN), "%s", values_sum_text(&failed, number));
	table_cell(table, look_if_any(&drops, TABLE_BAD), "%s", values_sum_text(&drops, number));
	table_cell(table, look_if_any(&crashes, TABLE_BAD), "%s", values_sum_text(&crashes, number));
}

static bool has_failed(const json_t *one)
{
	const char *state = json_string_value(json_object_get(one, "state"));

	return state != NULL && strcmp(state, "failed") == 0;
}

/* "the next client tries it", or how long none does. */
static const char *describe_rest(const json_t *failed, char *out, size_t size)
{
	char left[VALUES_NUMBER_MAX];
	double seconds;

	if (values_real(failed, "left_alone", &seconds) && seconds == 0)
		(void)snprintf(out, size, "the next client tries it");
	else
		(void)snprintf(out, size, "left alone for %s", values_age_words(failed, "left_alone", left));
	return out;
}

/* Names the upstreams that have failed, and the addresses that have failed of those that work. */
static void add_upstreams(struct table *table, const json_t *upstreams)
{
	char name[NAME_MAX_BYTES], text[NAME_MAX_BYTES], rest[64];
	const json_t *upstream, *address;
	size_t i, k;

	json_array_foreach (upstreams, i, upstream) {
		(void)values_text(upstream, "address", name, sizeof(name));
		if (has_failed(upstream)) {
			table_note(table, TABLE_BAD, "    upstream %s has failed, %s", name,
				   describe_rest(upstream, rest, sizeof(rest)));
			continue;
		}
		json_array_foreach (json_object_get(upstream, "addresses"), k, address)
			if (has_failed(address))
				table_note(table, TABLE_WARN, "    upstream %s: %s has failed, %s", name,
					   values_text(address, "address", text, sizeof(text)),
					   describe_rest(address, rest, sizeof(rest)));
	}
}

/* An older daemon does not count them. */
static void add_violations(struct table *table, const json_t *service)
{
	char number[VALUES_NUMBER_MAX];
	double n;

	if (values_real(service, "violations", &n) && n > 0)
		table_note(table, TABLE_WARN, "    sandbox.level has refused %s system call%s",
			   values_count(service, "violations", number), n == 1 ? "" : "s");
}

static void add_waiting(struct table *table, const json_t *waiting)
{
	char why[512], number[VALUES_NUMBER_MAX];

	if (json_is_object(waiting))
		table_note(table, TABLE_WARN, "    waiting: %s; tried again in %s",
			   values_text(waiting, "reason", why, sizeof(why)), values_age_words(waiting, "next", number));
}

/* A number of the group, and the maximum that it may have. */
static void add_group_use(struct table *table, const json_t *group, const char *what, const char *maximum,
			  const char *(*format)(const json_t *, const char *, char[VALUES_NUMBER_MAX]))
{
	char number[VALUES_NUMBER_MAX], most[VALUES_NUMBER_MAX];

	if (!json_is_integer(json_object_get(group, what)))
		return;
	if (json_is_integer(json_object_get(group, maximum)))
		table_note(table, TABLE_PLAIN, "    %s of its programs: %s of %s", what, format(group, what, number),
			   format(group, maximum, most));
	else
		table_note(table, TABLE_PLAIN, "    %s of its programs: %s", what, format(group, what, number));
}

static void add_group(struct table *table, const json_t *group)
{
	char number[VALUES_NUMBER_MAX];
	int64_t kills;

	add_group_use(table, group, "memory", "memory_max", values_bytes);
	add_group_use(table, group, "tasks", "tasks_max", values_count);
	if (values_integer(group, "oom_kills", &kills) && kills > 0)
		table_note(table, TABLE_WARN, "    killed for want of memory: %s",
			   values_count(group, "oom_kills", number));
}

static void add_service(struct table *table, const json_t *service, bool all_listeners)
{
	static const char *const moving[] = {"starting", "retiring"};
	static const char *const tracked[] = {"penalized", "untracked"};
	const json_t *connections = json_object_get(service, "connections");
	const json_t *listeners = json_object_get(service, "listeners");
	const json_t *workers = json_object_get(service, "workers");
	char text[NAME_MAX_BYTES], number[VALUES_NUMBER_MAX];

	table_cell(table, TABLE_PLAIN, "%s", values_text(service, "name", text, sizeof(text)));
	table_cell(table, TABLE_PLAIN, "%s", values_text(service, "handler", text, sizeof(text)));
	(void)values_text(service, "state", text, sizeof(text));
	table_cell(table, choose_look(text), "%s", text);
	add_workers(table, workers);
	add_queue(table, listeners);
	table_cell(table, TABLE_PLAIN, "%s", values_rate(service, "rate", number));
	table_cell(table, TABLE_PLAIN, "%s", values_count(connections, "accepted", number));
	add_trouble(table, service);
	list_members(workers, moving, ARRAY_SIZE(moving), text, sizeof(text));
	if (text[0] != '\0')
		table_note(table, TABLE_PLAIN, "    workers: %s", text);
	add_waiting(table, json_object_get(service, "waiting"));
	if (all_listeners)
		add_group(table, json_object_get(service, "cgroup"));
	add_reasons(table, json_object_get(connections, "refused"));
	list_members(json_object_get(service, "sources"), tracked, ARRAY_SIZE(tracked), text, sizeof(text));
	if (text[0] != '\0')
		table_note(table, TABLE_WARN, "    sources: %s", text);
	add_upstreams(table, json_object_get(service, "upstreams"));
	add_violations(table, service);
	add_listeners(table, listeners, all_listeners);
}

static double compute_weight(const json_t *service, enum status_sort sort)
{
	struct values_sum queue = {.n = 0};
	const json_t *listener;
	double value = 0;
	size_t i;

	switch (sort) {
	case STATUS_BY_BUSY:
		(void)values_real(json_object_get(service, "workers"), "busy", &value);
		return value;
	case STATUS_BY_RATE:
		(void)values_real(service, "rate", &value);
		return value;
	case STATUS_BY_QUEUE:
		json_array_foreach (json_object_get(service, "listeners"), i, listener)
			values_add(&queue, listener, "queue");
		return (double)queue.n;
	case STATUS_AS_SENT:
	case STATUS_BY_NAME:
	case STATUS_SORTS:
		break;
	}
	return 0;
}

static int compare_weights(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int names;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	names = strcmp(x->name, y->name);
	return names != 0 ? names : (x->index > y->index) - (x->index < y->index);
}

/* Returns the services sorted, with an empty entry behind the last one; the caller frees them. NULL without memory. */
static struct entry *sort_services(const json_t *services, enum status_sort sort)
{
	size_t n = json_array_size(services), i;
	struct entry *entries = calloc(n + 1, sizeof(*entries));

	if (entries == NULL)
		return NULL;
	for (i = 0; i < n; i++) {
		const json_t *service = json_array_get(services, i);
		const char *name = json_string_value(json_object_get(service, "name"));

		entries[i] = (struct entry){.service = service,
					    .name = name != NULL && sort != STATUS_AS_SENT ? name : "",
					    .weight = compute_weight(service, sort),
					    .index = i};
	}
	qsort(entries, n, sizeof(*entries), compare_weights);
	return entries;
}

int status_table_write(const json_t *status, const struct status_view *view, FILE *out)
{
	const json_t *services = json_object_get(status, "services");
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	struct entry *entries = sort_services(services, view->sort);
	int rc = -1;

	if (entries != NULL) {
		int above;

		for (size_t i = 0; entries[i].service != NULL; i++)
			add_service(table, entries[i].service, view->listeners);
		above = write_head(status, &view->paper, out) + 1;
		rc = table_write(table, &view->paper, out) < 0 ? -1 : above;
	}
	free(entries);
	table_free(&table);
	return rc;
}
