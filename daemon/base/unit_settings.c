/* SPDX-License-Identifier: MIT */
#include "base/unit_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/capability.h"

static const struct unit_setting_name unit_setting_names[] = {
	{"ActiveState", UNIT_TEXT},
	{"AmbientCapabilities", UNIT_LIST},
	{"BindPaths", UNIT_LIST_OF_SECONDS},
	{"BindReadOnlyPaths", UNIT_LIST_OF_SECONDS},
	{"CacheDirectory", UNIT_LIST},
	{"CapabilityBoundingSet", UNIT_LIST},
	{"Delegate", UNIT_TEXT},
	{"DelegateControllers", UNIT_LIST},
	{"DynamicUser", UNIT_TEXT},
	{"ExecPaths", UNIT_LIST},
	{"FileDescriptorName", UNIT_TEXT},
	{"Group", UNIT_TEXT},
	{"InaccessiblePaths", UNIT_LIST},
	{"LimitAS", UNIT_TEXT},
	{"LimitCORE", UNIT_TEXT},
	{"LimitDATA", UNIT_TEXT},
	{"LimitFSIZE", UNIT_TEXT},
	{"LimitMEMLOCK", UNIT_TEXT},
	{"LimitNOFILE", UNIT_TEXT},
	{"LimitNPROC", UNIT_TEXT},
	{"LimitSTACK", UNIT_TEXT},
	{"Listen", UNIT_LIST_OF_SECONDS},
	{"LogsDirectory", UNIT_LIST},
	{"NetworkNamespacePath", UNIT_TEXT},
	{"NoExecPaths", UNIT_LIST},
	{"NoNewPrivileges", UNIT_TEXT},
	{"PrivateDevices", UNIT_TEXT},
	{"PrivateNetwork", UNIT_TEXT},
	{"PrivateTmp", UNIT_TEXT},
	{"ProtectControlGroups", UNIT_TEXT},
	{"ProtectHome", UNIT_TEXT},
	{"ProtectHostname", UNIT_TEXT},
	{"ProtectKernelLogs", UNIT_TEXT},
	{"ProtectKernelTunables", UNIT_TEXT},
	{"ProtectSystem", UNIT_TEXT},
	{"ReadOnlyPaths", UNIT_LIST},
	{"ReadWritePaths", UNIT_LIST},
	{"RestrictAddressFamilies", UNIT_LIST},
	{"RestrictNamespaces", UNIT_NAMESPACES},
	{"RootDirectory", UNIT_TEXT},
	{"RootImage", UNIT_TEXT},
	{"RuntimeDirectory", UNIT_LIST},
	{"StateDirectory", UNIT_LIST},
	{"SupplementaryGroups", UNIT_LIST},
	{"SystemCallFilter", UNIT_LIST},
	{"TemporaryFileSystem", UNIT_LIST_OF_FIRSTS},
	{"TriggeredBy", UNIT_LIST},
	{"User", UNIT_TEXT},
	{NULL, UNIT_TEXT},
};

void unit_settings_init(struct unit_settings *settings, const char *unit)
{
	*settings = (struct unit_settings){.text = NULL};
	(void)snprintf(settings->unit, sizeof(settings->unit), "%s", unit);
}

void unit_settings_clear(struct unit_settings *settings)
{
	free(settings->text);
	settings->text = NULL;
	settings->len = 0;
}

/* The entry NAME=VALUE; NULL: there is none. */
static char *find_entry(const struct unit_settings *settings, const char *name)
{
	size_t len = strlen(name);

	for (size_t at = 0; at < settings->len; at += strlen(settings->text + at) + 1) {
		if (strncmp(settings->text + at, name, len) == 0 && settings->text[at + len] == '=')
			return settings->text + at;
	}
	return NULL;
}

void unit_settings_set(struct unit_settings *settings, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 2, old;
	char *entry = find_entry(settings, name), *grown;

	if (entry != NULL) {
		old = strlen(entry) + 1;
		memmove(entry, entry + old, settings->len - (size_t)(entry - settings->text) - old);
		settings->len -= old;
	}
	grown = realloc(settings->text, settings->len + size);
	if (grown == NULL)
		return;
	settings->text = grown;
	(void)snprintf(grown + settings->len, size, "%s=%s", name, value);
	settings->len += size;
}

void unit_settings_add(struct unit_settings *settings, const char *name, const char *value)
{
	const struct unit_setting_name *known = unit_settings_name(name);
	const char *before = unit_settings_get(settings, name);
	char *list = NULL;

	if (known == NULL || known->kind == UNIT_TEXT || before == NULL || before[0] == '\0') {
		unit_settings_set(settings, name, value);
	} else if (asprintf(&list, "%s\n%s", before, value) >= 0) {
		unit_settings_set(settings, name, list);
		free(list);
	}
}

const char *unit_settings_get(const struct unit_settings *settings, const char *name)
{
	const char *entry = find_entry(settings, name);

	return entry != NULL ? entry + strlen(name) + 1 : NULL;
}

bool unit_settings_is_yes(const char *text)
{
	static const char *const words[] = {"1", "yes", "y", "true", "t", "on"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

bool unit_settings_is_on(const struct unit_settings *settings, const char *name)
{
	const char *value = unit_settings_get(settings, name);

	return value != NULL && unit_settings_is_yes(value);
}

bool unit_settings_next(const char **list, char item[UNIT_SETTINGS_ITEM])
{
	size_t len;

	if (*list == NULL || **list == '\0')
		return false;
	len = strcspn(*list, "\n");
	(void)snprintf(item, UNIT_SETTINGS_ITEM, "%.*s", (int)len, *list);
	*list += len + ((*list)[len] == '\n');
	return true;
}

const struct unit_setting_name *unit_settings_name(const char *name)
{
	const struct unit_setting_name *found = unit_setting_names;

	while (found->name != NULL && strcmp(found->name, name) != 0)
		found++;
	return found->name != NULL ? found : NULL;
}

static uint64_t find_capability(const char *name)
{
	int number = capability_by_name(name);

	return number >= 0 ? 1ULL << number : 0;
}

uint64_t unit_settings_capabilities(const struct unit_settings *settings, const char *name, uint64_t preset)
{
	const char *list = unit_settings_get(settings, name);
	char item[UNIT_SETTINGS_ITEM];
	uint64_t set = 0;

	if (list == NULL)
		return preset;
	if (list[0] >= '0' && list[0] <= '9') /* systemd tells the bits */
		return strtoull(list, NULL, 10);
	if (list[0] == '~')
		set = ~0ULL;
	while (unit_settings_next(&list, item)) {
		if (item[0] == '~')
			set &= ~find_capability(item + 1);
		else
			set |= find_capability(item);
	}
	return set;
}
