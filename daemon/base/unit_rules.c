/* SPDX-License-Identifier: MIT */
#include "base/unit_rules.h"

#include <sched.h>
#include <string.h>
#include <strings.h>

#include "base/unit_settings.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* The groups of systemd-analyze(1), "syscall-filter", that contain a call. */
static const struct {
	const char *call;
	const char *groups[4];
} group_members[] = {
	{"chroot", {"@mount", "@privileged"}},
	{"fchownat", {"@chown", "@privileged", "@system-service"}},
	{"mount", {"@mount"}},
	{"pivot_root", {"@mount", "@privileged"}},
	{"setgroups", {"@setuid", "@privileged", "@system-service"}},
	{"setpriority", {"@resources", "@system-service"}},
	{"setresuid", {"@setuid", "@privileged", "@system-service"}},
	{"setrlimit", {"@resources", "@system-service"}},
	{"unshare", {"@process", "@system-service"}},
};

static bool is_in_group(const char *call, const char *group)
{
	for (size_t i = 0; i < sizeof(group_members) / sizeof(group_members[0]); i++) {
		if (strcmp(group_members[i].call, call) != 0)
			continue;
		for (size_t k = 0; k < 4 && group_members[i].groups[k] != NULL; k++) {
			if (strcmp(group_members[i].groups[k], group) == 0)
				return true;
		}
	}
	return false;
}

/* An item is a name, or the name of several; "~" in front of it forbids them. The last one that MEANS the name counts.
 */
static bool is_allowed(const struct unit_settings *settings, const char *setting, const char *name,
		       bool (*means)(const char *item, const char *name))
{
	const char *list = unit_settings_get(settings, setting);
	bool allowed = list == NULL || list[0] == '\0' || list[0] == '~';
	char item[UNIT_SETTINGS_ITEM];

	while (unit_settings_next(&list, item)) {
		if (means(item[0] == '~' ? item + 1 : item, name))
			allowed = item[0] != '~';
	}
	return allowed;
}

static bool is_name(const char *item, const char *name)
{
	return strcmp(item, name) == 0;
}

static bool is_call(const char *item, const char *name)
{
	return is_name(item, name) || is_in_group(name, item);
}

bool unit_rules_allow_call(const struct unit_settings *settings, const char *name)
{
	return is_allowed(settings, "SystemCallFilter", name, is_call);
}

bool unit_rules_allow_family(const struct unit_settings *settings, const char *name)
{
	return is_allowed(settings, "RestrictAddressFamilies", name, is_name);
}

void unit_rules_write_namespaces(uint64_t flags, FILE *out)
{
	static const struct {
		const char *name;
		uint64_t flag;
	} kinds[] = {
		{"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC},   {"mnt", CLONE_NEWNS},    {"net", CLONE_NEWNET},
		{"pid", CLONE_NEWPID},	     {"time", CLONE_NEWTIME}, {"user", CLONE_NEWUSER}, {"uts", CLONE_NEWUTS},
	};

	(void)fputs("yes", out);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if ((flags & kinds[i].flag) != 0)
			(void)fprintf(out, "\n%s", kinds[i].name);
	}
}

static bool is_no(const char *text)
{
	static const char *const words[] = {"0", "no", "n", "false", "f", "off"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

bool unit_rules_allow_namespace(const struct unit_settings *settings, const char *name)
{
	const char *list = unit_settings_get(settings, "RestrictNamespaces");
	bool allowed = list == NULL || list[0] == '\0' || list[0] == '~';
	char item[UNIT_SETTINGS_ITEM];

	while (unit_settings_next(&list, item)) {
		if (unit_settings_is_yes(item))
			allowed = false;
		else if (is_no(item))
			allowed = true;
		else if (strcmp(item[0] == '~' ? item + 1 : item, name) == 0)
			allowed = item[0] != '~';
	}
	return allowed;
}

/* TEXT is one of the words in LIST, which has a blank or a new line between them. */
static bool is_word(const char *list, const char *text)
{
	size_t len = strlen(text), n;

	for (; *list != '\0'; list += n + (list[n] != '\0')) {
		n = strcspn(list, " \t\n");
		if (n == len && strncmp(list, text, n) == 0)
			return true;
	}
	return false;
}

bool unit_rules_delegate(const struct unit_settings *settings, const char *controller)
{
	const char *value = unit_settings_get(settings, "Delegate");
	const char *list = unit_settings_get(settings, "DelegateControllers"); /* systemd tells it, files do not */

	if (value == NULL || is_no(value))
		return false;
	if (!unit_settings_is_yes(value))
		return is_word(value, controller);
	return list == NULL || is_word(list, controller);
}
