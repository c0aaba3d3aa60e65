/* SPDX-License-Identifier: MIT */
#include "change/host_lacking.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/capability.h"
#include "base/unit_rules.h"
#include "change/host_unit.h"

__attribute__((format(printf, 4, 5))) static void add_lack(struct host_lacking *l, const char *setting,
							   const char *value, const char *fmt, ...)
{
	size_t used = strlen(l->text);
	va_list ap;

	host_report_lack(l->report, l->place, setting, value, l->why);
	if (used > 0 && used + 2 < sizeof(l->text))
		used += (size_t)snprintf(l->text + used, sizeof(l->text) - used, ", ");
	va_start(ap, fmt);
	if (used < sizeof(l->text))
		(void)vsnprintf(l->text + used, sizeof(l->text) - used, fmt, ap);
	va_end(ap);
}

void host_lacking_root(struct host_lacking *l)
{
	add_lack(l, "User", "root", "User=root");
}

bool host_lacking_finish(const struct host_lacking *l, enum host_weight weight)
{
	if (l->text[0] == '\0')
		return true;
	host_report_add(l->report, weight, l->place, "%s lacks %s, because %s%s%s", l->report->host->who_name, l->text,
			l->why, l->report->host->known ? "; " : "", l->report->host->edit);
	return false;
}

/* ---- system calls ---- */

/* The name that a filter should have for a call: its group, if the group is for nothing else. */
static const char *name_for_filter(const char *call)
{
	static const struct {
		const char *call, *group;
	} groups[] = {
		{"fchownat", "@chown"},	  {"mount", "@mount"},	    {"pivot_root", "@mount"},
		{"setgroups", "@setuid"}, {"setresuid", "@setuid"}, {"setpriority", "@resources"},
	};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (strcmp(groups[i].call, call) == 0)
			return groups[i].group;
	}
	return call;
}

/* A name that stands for another call of the same key as well is told once. */
static void find_call(struct host_lacking *l, const char *call)
{
	const char *name = name_for_filter(call);

	if (!unit_rules_allow_call(&l->report->host->settings, call) && strstr(l->text, name) == NULL)
		add_lack(l, "SystemCallFilter", name, "SystemCallFilter=%s", name);
}

/* Takes the next word of a list with blanks between its words; false: there is none. */
static bool take_word(const char **list, char word[64])
{
	*list += strspn(*list, " ");
	(void)snprintf(word, 64, "%.*s", (int)strcspn(*list, " "), *list);
	*list += strcspn(*list, " ");
	return word[0] != '\0';
}

void host_lacking_calls(struct host_lacking *l, const char *list)
{
	char call[64];

	while (take_word(&list, call))
		find_call(l, call);
}

/* ---- the rights of root ---- */

static bool has_capability(const struct host_unit *host, const char *name)
{
	int number = capability_by_name(name);

	return number < 0 || host_unit_is_capable(host, number);
}

/* The system calls that a right of root is for. */
static void find_calls_of(struct host_lacking *l, const char *capability)
{
	static const struct {
		const char *capability, *calls;
	} uses[] = {
		{"CAP_CHOWN", "fchownat"},    {"CAP_SETGID", "setgroups"},
		{"CAP_SETUID", "setresuid"},  {"CAP_SYS_ADMIN", "mount pivot_root"},
		{"CAP_SYS_CHROOT", "chroot"}, {"CAP_SYS_NICE", "setpriority"},
	};

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if (strcmp(uses[i].capability, capability) == 0)
			host_lacking_calls(l, uses[i].calls);
	}
}

void host_lacking_capabilities(struct host_lacking *l, const char *list)
{
	char name[64];

	while (take_word(&list, name)) {
		if (!has_capability(l->report->host, name))
			add_lack(l, "CapabilityBoundingSet", name, "%s", name);
		find_calls_of(l, name);
	}
}

/* ---- namespaces ---- */

/* A process with CAP_SYS_ADMIN needs no namespace of users to make the others. Root needs CAP_SETFCAP to be root in
 * one, too. */
void host_lacking_namespaces(struct host_lacking *l, const char *list)
{
	char kind[64];

	while (take_word(&list, kind)) {
		bool user = strcmp(kind, "user") == 0;

		if (user && has_capability(l->report->host, "CAP_SYS_ADMIN"))
			continue;
		if (user && l->is_root)
			host_lacking_capabilities(l, "CAP_SETFCAP");
		if (!unit_rules_allow_namespace(&l->report->host->settings, kind))
			add_lack(l, "RestrictNamespaces", kind, "RestrictNamespaces=%s", kind);
	}
}

/* ---- control groups, and all others ---- */

void host_lacking_controller(struct host_lacking *l, const char *controller)
{
	if (l->report->host->known && !unit_rules_delegate(&l->report->host->settings, controller))
		add_lack(l, "Delegate", "yes", "Delegate=yes");
}

void host_lacking_offs(struct host_lacking *l, const char *list)
{
	char name[64];

	while (take_word(&list, name)) {
		if (unit_settings_is_on(&l->report->host->settings, name))
			add_lack(l, name, "no", "%s=no", name);
	}
}

/* The kernel mounts /proc in a user namespace only if nothing hides a part of the one that is there. */
void host_lacking_proc(struct host_lacking *l)
{
	if (!has_capability(l->report->host, "CAP_SYS_ADMIN"))
		host_lacking_offs(l, "ProtectHostname ProtectKernelLogs ProtectKernelTunables");
}
