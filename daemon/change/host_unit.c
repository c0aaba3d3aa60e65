/* SPDX-License-Identifier: MIT */
#include "change/host_unit.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/capability.h"
#include "base/unit.h"
#include "base/unit_files.h"
#include "base/unit_text.h"
#include "config/identity.h"

#define UNIT	     "preforkd"
#define ANSWER_MS    2000  /* time for systemd to answer, while a person waits at the terminal */
#define SOCKETS_MOST 16	   /* socket units that are looked at */
#define STRANGER     61184 /* the first user that DynamicUser= may take (systemd.exec(5)) */

/* A name that systemd does not escape. */
static bool is_plain(const char *text, size_t len)
{
	return len > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") >= len;
}

/* Finds the packaged unit for FILE: preforkd.service for preforkd.conf, preforkd@NAME.service for NAME.conf in the same
 * folder. */
static bool find_unit(const char *file, struct unit *out)
{
	const char *base = strrchr(DEFAULT_CONFIG, '/') + 1;
	size_t folder = (size_t)(base - DEFAULT_CONFIG), len = strlen(file);

	out->user = false;
	if (strcmp(file, DEFAULT_CONFIG) == 0) {
		(void)snprintf(out->name, sizeof(out->name), UNIT ".service");
		return true;
	}
	if (strncmp(file, DEFAULT_CONFIG, folder) != 0 || len < folder + strlen(".conf") ||
	    strcmp(file + len - strlen(".conf"), ".conf") != 0)
		return false;
	len -= folder + strlen(".conf");
	if (len > 200 || !is_plain(file + folder, len))
		return false;
	(void)snprintf(out->name, sizeof(out->name), UNIT "@%.*s.service", (int)len, file + folder);
	return true;
}

/* ---- the user ---- */

static void add_group(struct host_unit *host, const char *name)
{
	struct identity *who = &host->starter;
	gid_t *grown;
	gid_t gid;

	if (identity_gid(name, &gid, NULL) < 0)
		return;
	grown = arena_alloc(host->arena, (who->n_groups + 1) * sizeof(*grown));
	if (who->n_groups > 0)
		memcpy(grown, who->groups, who->n_groups * sizeof(*grown));
	grown[who->n_groups++] = gid;
	who->groups = grown;
}

/* User=, Group= and SupplementaryGroups=, as systemd takes them. */
static void find_starter(struct host_unit *host)
{
	const char *user = unit_settings_get(&host->settings, "User");
	const char *group = unit_settings_get(&host->settings, "Group");
	const char *list = unit_settings_get(&host->settings, "SupplementaryGroups");
	char item[UNIT_SETTINGS_ITEM];
	struct err why;
	uid_t uid;

	if (user == NULL || user[0] == '\0')
		user = unit_settings_is_on(&host->settings, "DynamicUser") ? UNIT : "root";
	if (group != NULL && group[0] == '\0')
		group = NULL;
	if (identity_uid(user, &uid, &why) == 0 && (group == NULL || identity_gid(group, &(gid_t){0}, &why) == 0)) {
		(void)identity_of_user(user, group, host->arena, &host->starter, &why);
	} else {
		host->starter = (struct identity){.uid = STRANGER, .gid = STRANGER};
		host->starter.user = host->starter.home = host->starter.shell = arena_strdup(host->arena, "");
		if (!unit_settings_is_on(&host->settings, "DynamicUser"))
			(void)err_set(&host->trouble,
				      "%s cannot be started: %.200s (systemd-sysusers makes the user "
				      "of the package)",
				      host->settings.unit, why.text);
	}
	while (unit_settings_next(&list, item))
		add_group(host, item);
	host->starter.set = false; /* it stays what it is, unless a service has another user */
	(void)snprintf(host->who_name, sizeof(host->who_name), "the user %.32s of %.80s", user, host->settings.unit);
}

/* The capabilities that systemd leaves to the main process. */
static uint64_t find_capabilities(const struct host_unit *host)
{
	uint64_t bounds = unit_settings_capabilities(&host->settings, "CapabilityBoundingSet", ~0ULL);

	if (host->starter.uid == 0)
		return bounds;
	return bounds & unit_settings_capabilities(&host->settings, "AmbientCapabilities", 0);
}

/* ---- the socket units ---- */

static void ask_sockets(struct host_unit *host)
{
	const char *list = unit_settings_get(&host->settings, "TriggeredBy");
	char item[UNIT_SETTINGS_ITEM];
	struct limits unused;
	struct unit unit = {.user = false};

	host->sockets = arena_alloc(host->arena, SOCKETS_MOST * sizeof(*host->sockets));
	while (host->n_sockets < SOCKETS_MOST && unit_settings_next(&list, item)) {
		struct unit_settings *one = &host->sockets[host->n_sockets];

		(void)snprintf(unit.name, sizeof(unit.name), "%.200s", item);
		unit_settings_init(one, unit.name);
		if (unit_ask_now(&unit, ANSWER_MS, &unused, one))
			host->n_sockets++;
		else
			unit_settings_clear(one);
	}
}

static bool is_active(const struct unit_settings *socket)
{
	const char *state = unit_settings_get(socket, "ActiveState");

	return state != NULL && strcmp(state, "active") == 0;
}

static bool is_listed(const char *list, const char *text)
{
	char item[UNIT_SETTINGS_ITEM];

	while (unit_settings_next(&list, item)) {
		if (strcmp(item, text) == 0)
			return true;
	}
	return false;
}

/* systemd writes an address as addr_format() does, but for a unix socket, and for IPv6 with an interface. */
bool host_unit_has_socket(const struct host_unit *host, const char *text)
{
	if (strncmp(text, "unix:", 5) == 0)
		text += 5;
	for (size_t i = 0; i < host->n_sockets; i++) {
		if (is_active(&host->sockets[i]) && is_listed(unit_settings_get(&host->sockets[i], "Listen"), text))
			return true;
	}
	return false;
}

bool host_unit_has_socket_name(const struct host_unit *host, const char *name)
{
	for (size_t i = 0; i < host->n_sockets; i++) {
		const char *has = unit_settings_get(&host->sockets[i], "FileDescriptorName");

		if (has == NULL || has[0] == '\0')
			has = host->sockets[i].unit;
		if (is_active(&host->sockets[i]) && strcmp(has, name) == 0)
			return true;
	}
	return false;
}

/* ---- */

static bool ask_unit(struct host_unit *host, const struct unit *unit)
{
	limits_init(&host->limits);
	unit_settings_init(&host->settings, unit->name);
	if (unit_ask_now(unit, ANSWER_MS, &host->limits, &host->settings)) {
		host->told = true;
		return true;
	}
	unit_settings_clear(&host->settings);
	return sd_booted() <= 0 && unit_files_read("", &host->settings, &host->limits);
}

static void describe_user(struct host_unit *host)
{
	host->who = (struct path_user){
		.name = host->who_name,
		.uid = host->starter.uid,
		.gid = host->starter.gid,
		.groups = host->starter.groups,
		.n_groups = host->starter.n_groups,
		.may_search = host_unit_is_capable(host, CAP_DAC_READ_SEARCH),
		.may_override = host_unit_is_capable(host, CAP_DAC_OVERRIDE),
	};
}

/* Fills in all that follows from the settings. */
static void describe_unit(struct host_unit *host)
{
	find_starter(host);
	host->capabilities = find_capabilities(host);
	unit_view_init(&host->view, &host->settings);
	(void)snprintf(host->edit, sizeof(host->edit),
		       "compare \"systemctl cat %.100s\" with \"preforkd --unit-dropin\"", host->settings.unit);
	describe_user(host);
}

static void narrow_limits(struct host_unit *host)
{
	struct limits kernel;

	limits_init(&kernel);
	limits_read("", &kernel);
	host->limits.somaxconn = kernel.somaxconn;
	limits_narrow(&host->limits, kernel.tasks, kernel.tasks_set);
}

static void describe_process(struct host_unit *host)
{
	limits_init(&host->limits);
	limits_read("", &host->limits);
	limits_read_groups("", &host->limits);
	identity_of_process(host->arena, &host->starter);
	host->capabilities = capability_own();
	(void)snprintf(host->who_name, sizeof(host->who_name), "the user %.64s", host->starter.user);
	describe_user(host);
}

void host_unit_init(struct host_unit *host, const char *file)
{
	struct unit unit;

	*host = (struct host_unit){.known = false, .arena = arena_new()};
	host->known = host->reads = find_unit(file, &unit) && ask_unit(host, &unit);
	if (host->known) {
		describe_unit(host);
		ask_sockets(host);
		narrow_limits(host);
	} else {
		describe_process(host);
	}
}

void host_unit_init_packaged(struct host_unit *host, const char *file)
{
	struct unit unit;

	*host = (struct host_unit){.known = true, .arena = arena_new()};
	host->reads = find_unit(file, &unit);
	if (!host->reads)
		(void)snprintf(unit.name, sizeof(unit.name), UNIT ".service");
	limits_init(&host->limits);
	unit_settings_init(&host->settings, unit.name);
	unit_files_take(strchr(unit.name, '@') != NULL ? unit_text_each : unit_text_one, &host->settings,
			&host->limits);
	describe_unit(host);
}

void host_unit_add(struct host_unit *host, const char *setting, const char *value)
{
	unit_settings_add(&host->settings, setting, value);
	describe_unit(host);
}

void host_unit_clear(struct host_unit *host)
{
	for (size_t i = 0; i < host->n_sockets; i++)
		unit_settings_clear(&host->sockets[i]);
	unit_settings_clear(&host->settings);
	arena_free(&host->arena);
}

bool host_unit_is_capable(const struct host_unit *host, int capability)
{
	return (host->capabilities >> capability & 1) != 0;
}

bool host_unit_is_ours(const struct host_unit *host, pid_t pid)
{
	char *name = NULL;
	bool ours;

	if (!host->known || sd_pid_get_unit(pid, &name) < 0)
		return false;
	ours = strcmp(name, host->settings.unit) == 0;
	free(name);
	return ours;
}

const char *host_unit_network(const struct host_unit *host)
{
	const char *path = unit_settings_get(&host->settings, "NetworkNamespacePath");

	if (path != NULL && path[0] != '\0')
		return path;
	return unit_settings_is_on(&host->settings, "PrivateNetwork") ? "" : NULL;
}

const char *host_unit_root(const struct host_unit *host)
{
	const char *path = unit_settings_get(&host->settings, "RootDirectory");

	return path != NULL && path[0] != '\0' && strcmp(path, "/") != 0 ? path : NULL;
}
