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

bool unit_rules_allow_call(const struct unit_settings *settings, const char *name)
{
	const char *list = unit_settings_get(settings, "SystemCallFilter");
	bool allowed = list == NULL || list[0] == '\0' || list[0] == '~';
	char item[UNIT_SETTINGS_ITEM];

	while (unit_settings_next(&list, item)) {
		const char *what = item[0] == '~' ? item + 1 : item;

		if (strcmp(what, name) == 0 || is_in_group(name, what))
			allowed = item[0] != '~';
	}
	return allowed;
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
