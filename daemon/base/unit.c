/* SPDX-License-Identifier: MIT */
#include "base/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/unit_rules.h"
#include "base/unit_settings.h"

#define MANAGER "org.freedesktop.systemd1"

struct unit_query {
	sd_bus *bus;
	struct limits limits;
	struct unit_settings *settings; /* NULL: only the limits are wanted */
	void (*done)(const struct limits *limits, void *userdata);
	void *userdata;
};

bool unit_is_one(void)
{
	/* A process that was started by hand in a session of systemd may have one of the two. */
	return getenv("INVOCATION_ID") != NULL && getenv("NOTIFY_SOCKET") != NULL;
}

bool unit_own(struct unit *out)
{
	char *name = NULL;

	if (!unit_is_one())
		return false;
	out->user = sd_pid_get_user_unit(0, &name) >= 0;
	if (!out->user && sd_pid_get_unit(0, &name) < 0)
		return false;
	(void)snprintf(out->name, sizeof(out->name), "%s", name);
	free(name);
	return true;
}

/* ---- the answer ---- */

static int64_t read_number(uint64_t value)
{
	return value > INT64_MAX ? -1 : (int64_t)value; /* "infinity" is UINT64_MAX */
}

static int write_list(sd_bus_message *m, FILE *out, const char *before)
{
	const char *item, *separator = "";
	int rc = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "s");

	while (rc >= 0 && (rc = sd_bus_message_read(m, "s", &item)) > 0) {
		(void)fprintf(out, "%s%s%s", separator, before, item);
		separator = "\n";
	}
	return rc < 0 ? rc : sd_bus_message_exit_container(m);
}

/* A list of structures that begin with two texts; KIND says which of the two is wanted. */
static int write_structures(sd_bus_message *m, FILE *out, const char *contents, enum unit_setting_kind kind)
{
	const char *texts[2], *separator = "";
	char inner[16];
	int rc;

	(void)snprintf(inner, sizeof(inner), "%.*s", (int)strlen(contents) - 3, contents + 2);
	rc = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, contents + 1);
	while (rc >= 0 && (rc = sd_bus_message_enter_container(m, SD_BUS_TYPE_STRUCT, inner)) > 0) {
		rc = sd_bus_message_read(m, "ss", &texts[0], &texts[1]);
		if (rc >= 0 && inner[2] != '\0')
			rc = sd_bus_message_skip(m, inner + 2);
		if (rc >= 0)
			rc = sd_bus_message_exit_container(m);
		if (rc >= 0)
			(void)fprintf(out, "%s%s", separator, texts[kind == UNIT_LIST_OF_SECONDS]);
		separator = "\n";
	}
	return rc < 0 ? rc : sd_bus_message_exit_container(m);
}

/* "(bas)": a list of what is allowed or, with false in front, of what is forbidden. */
static int write_filter(sd_bus_message *m, FILE *out)
{
	int allows, rc = sd_bus_message_enter_container(m, SD_BUS_TYPE_STRUCT, "bas");

	if (rc >= 0)
		rc = sd_bus_message_read(m, "b", &allows);
	if (rc >= 0)
		rc = write_list(m, out, allows != 0 ? "" : "~");
	return rc < 0 ? rc : sd_bus_message_exit_container(m);
}

/* Writes a value of any of the types that a setting has. */
static int write_value(sd_bus_message *m, FILE *out, const char *contents, enum unit_setting_kind kind)
{
	const char *text;
	uint64_t number;
	int flag, rc;

	if (strcmp(contents, "as") == 0)
		return write_list(m, out, "");
	if (strcmp(contents, "(bas)") == 0)
		return write_filter(m, out);
	if (strncmp(contents, "a(ss", 4) == 0)
		return write_structures(m, out, contents, kind);
	switch (contents[0]) {
	case 's':
		rc = sd_bus_message_read(m, "s", &text);
		return rc < 0 ? rc : fputs(text, out);
	case 'b':
		rc = sd_bus_message_read(m, "b", &flag);
		return rc < 0 ? rc : fputs(flag != 0 ? "yes" : "no", out);
	case 't':
		rc = sd_bus_message_read(m, "t", &number);
		if (rc >= 0 && kind == UNIT_NAMESPACES)
			unit_rules_write_namespaces(number, out);
		return rc < 0 || kind == UNIT_NAMESPACES ? rc : fprintf(out, "%llu", (unsigned long long)number);
	default:
		return sd_bus_message_skip(m, contents);
	}
}

static int read_setting(sd_bus_message *m, const struct unit_setting_name *setting, struct unit_settings *settings)
{
	const char *contents;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int rc = sd_bus_message_peek_type(m, NULL, &contents);

	if (rc >= 0)
		rc = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, contents);
	if (rc >= 0 && out == NULL)
		rc = -ENOMEM;
	if (rc >= 0)
		rc = write_value(m, out, contents, setting->kind);
	if (rc >= 0)
		rc = sd_bus_message_exit_container(m);
	if (out != NULL && fclose(out) == 0 && rc >= 0)
		unit_settings_set(settings, setting->name, text);
	free(text);
	return rc;
}

/* Reads the value of property NAME. A negative errno: the message has another format. */
static int read_property(sd_bus_message *m, const char *name, struct unit_query *query, bool *loaded)
{
	const struct unit_setting_name *setting = query->settings != NULL ? unit_settings_name(name) : NULL;
	struct limits *limits = &query->limits;
	const struct {
		const char *name;
		int64_t *field;
	} numbers[] = {
		{"LimitNOFILESoft", &limits->files},
		{"LimitNPROCSoft", &limits->processes},
		{"TasksMax", &limits->tasks},
		{"TimeoutStopUSec", &limits->stop_ms},
	};
	const char *text = "";
	uint64_t value;
	int rc;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(name, numbers[i].name) != 0)
			continue;
		rc = sd_bus_message_read(m, "v", "t", &value);
		if (rc >= 0)
			*numbers[i].field = read_number(value);
		return rc;
	}
	if (setting != NULL)
		return read_setting(m, setting, query->settings);
	if (strcmp(name, "LoadState") != 0)
		return sd_bus_message_skip(m, "v");
	rc = sd_bus_message_read(m, "v", "s", &text);
	*loaded = rc >= 0 && strcmp(text, "loaded") == 0;
	return rc;
}

static bool read_answer(sd_bus_message *m, struct unit_query *query)
{
	struct limits *limits = &query->limits;
	bool loaded = false;
	const char *name;
	int rc = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}");

	while (rc >= 0) {
		rc = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv");
		if (rc <= 0)
			break;
		rc = sd_bus_message_read(m, "s", &name);
		if (rc >= 0)
			rc = read_property(m, name, query, &loaded);
		if (rc >= 0)
			rc = sd_bus_message_exit_container(m);
	}
	if (rc < 0 || !loaded)
		return false;
	if (limits->stop_ms > 0)
		limits->stop_ms /= 1000; /* from microseconds */
	if (limits->tasks >= 0)
		(void)snprintf(limits->tasks_set, sizeof(limits->tasks_set), "TasksMax= of %s", limits->unit);
	return true;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct unit_query *query = userdata;
	bool good = !sd_bus_message_is_method_error(m, NULL) && read_answer(m, query);

	(void)error;
	query->done(good ? &query->limits : NULL, query->userdata);
	return 0;
}

/* ---- the question ---- */

/* Root connects to systemd itself, which works without a bus daemon, too. */
int unit_bus_open(bool user, sd_bus **out)
{
	sd_bus *bus;

	*out = NULL;
	if (user)
		return sd_bus_open_user(out);
	if (geteuid() == 0 && sd_bus_new(&bus) >= 0) {
		if (sd_bus_set_address(bus, "unix:path=/run/systemd/private") >= 0 && sd_bus_start(bus) >= 0) {
			*out = bus;
			return 0;
		}
		(void)sd_bus_unref(bus);
	}
	return sd_bus_open_system(out);
}

static int send_question(struct unit_query *query, sd_event *event, const struct unit *unit)
{
	char *path = NULL;
	int rc = unit_bus_open(unit->user, &query->bus);

	/* Or the end of the loop would wait until all messages are sent, perhaps for ever. */
	if (rc >= 0)
		rc = sd_bus_set_close_on_exit(query->bus, false);
	if (rc >= 0)
		rc = sd_bus_attach_event(query->bus, event, SD_EVENT_PRIORITY_IDLE);
	if (rc >= 0)
		rc = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit->name, &path);
	/* An empty interface: the properties of all interfaces. */
	if (rc >= 0)
		rc = sd_bus_call_method_async(query->bus, NULL, MANAGER, path, "org.freedesktop.DBus.Properties",
					      "GetAll", on_answer, query, "s", "");
	free(path);
	return rc;
}

struct unit_query *unit_ask(sd_event *event, const struct unit *unit,
			    void (*done)(const struct limits *limits, void *userdata), void *userdata)
{
	struct unit_query *query;

	if (sd_booted() <= 0)
		return NULL;
	query = calloc(1, sizeof(*query));
	if (query == NULL)
		return NULL;
	query->done = done;
	query->userdata = userdata;
	limits_init(&query->limits);
	(void)snprintf(query->limits.unit, sizeof(query->limits.unit), "%s", unit->name);
	if (send_question(query, event, unit) < 0)
		unit_query_free(&query);
	return query;
}

void unit_query_free(struct unit_query **query)
{
	if (*query == NULL)
		return;
	if ((*query)->bus != NULL)
		(void)sd_bus_detach_event((*query)->bus);
	(void)sd_bus_close_unref((*query)->bus);
	free(*query);
	*query = NULL;
}

struct answer {
	struct limits *limits;
	bool any, good;
};

static void on_done(const struct limits *limits, void *userdata)
{
	struct answer *answer = userdata;

	answer->any = true;
	answer->good = limits != NULL;
	if (limits != NULL)
		*answer->limits = *limits;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	((struct answer *)userdata)->any = true;
	return 0;
}

bool unit_ask_now(const struct unit *unit, int64_t timeout_ms, struct limits *limits, struct unit_settings *settings)
{
	struct answer answer = {.limits = limits};
	struct unit_query *query = NULL;
	sd_event *event;

	if (sd_event_new(&event) < 0)
		return false;
	if (sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, (uint64_t)timeout_ms * 1000, 1000, on_late,
				       &answer) >= 0)
		query = unit_ask(event, unit, on_done, &answer);
	if (query != NULL)
		query->settings = settings;
	while (query != NULL && !answer.any)
		if (sd_event_run(event, UINT64_MAX) < 0)
			break;
	unit_query_free(&query);
	(void)sd_event_unref(event);
	return answer.good;
}
