/* SPDX-License-Identifier: MIT */
#include "change/host_needs.h"

#include <preforkd/module.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "base/capability.h"
#include "base/unit_rules.h"
#include "change/host_unit.h"
#include "config/config.h"
#include "config/values.h"

/* The unit's lacks for one key, for a message and for the drop-in. */
struct lacking {
	struct host_report *report;
	const struct host_place *place;
	const char *why;
	char text[512]; /* "CAP_SETUID, SystemCallFilter=@setuid" */
};

__attribute__((format(printf, 4, 5))) static void add_lack(struct lacking *l, const char *setting, const char *value,
							   const char *fmt, ...)
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

/* True: nothing is lacking. */
static bool finish_lacks(const struct lacking *l, enum host_weight weight)
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
static void find_call(struct lacking *l, const char *call)
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

static void find_calls(struct lacking *l, const char *list)
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
static void find_calls_of(struct lacking *l, const char *capability)
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
			find_calls(l, uses[i].calls);
	}
}

static void find_capabilities(struct lacking *l, const char *list)
{
	char name[64];

	while (take_word(&list, name)) {
		if (!has_capability(l->report->host, name))
			add_lack(l, "CapabilityBoundingSet", name, "%s", name);
		find_calls_of(l, name);
	}
}

bool host_needs_capabilities(struct host_report *report, enum host_weight weight, const struct host_place *place,
			     const char *capabilities, const char *why)
{
	struct lacking l = {.report = report, .place = place, .why = why};

	find_capabilities(&l, capabilities);
	return finish_lacks(&l, weight);
}

/* ---- namespaces ---- */

/* A process with CAP_SYS_ADMIN needs no namespace of users to make the others. */
static void find_namespaces(struct lacking *l, const char *list)
{
	char kind[64];

	while (take_word(&list, kind)) {
		if (strcmp(kind, "user") == 0 && has_capability(l->report->host, "CAP_SYS_ADMIN"))
			continue;
		if (!unit_rules_allow_namespace(&l->report->host->settings, kind))
			add_lack(l, "RestrictNamespaces", kind, "RestrictNamespaces=%s", kind);
	}
}

/* ---- control groups, and all others ---- */

/* Only a unit can be given some. */
static void find_controller(struct lacking *l, const char *controller)
{
	if (l->report->host->known && !unit_rules_delegate(&l->report->host->settings, controller))
		add_lack(l, "Delegate", "yes", "Delegate=yes");
}

static void find_settings_on(struct lacking *l, const char *list)
{
	char name[64];

	while (take_word(&list, name)) {
		if (unit_settings_is_on(&l->report->host->settings, name))
			add_lack(l, name, "no", "%s=no", name);
	}
}

/* The kernel mounts /proc in a user namespace only if nothing hides a part of the one that is there. */
static void find_proc(struct lacking *l)
{
	if (!has_capability(l->report->host, "CAP_SYS_ADMIN"))
		find_settings_on(l, "ProtectHostname ProtectKernelLogs ProtectKernelTunables");
}

/* ---- the keys ---- */

/* Of another user than the master's. */
static bool becomes_another(const struct host_unit *host, const struct config_service *service)
{
	return service->identity.set && service->identity.uid != host->starter.uid;
}

static bool keeps_user(const struct host_unit *host, const struct config_service *service)
{
	return service->identity.set && !becomes_another(host, service);
}

static bool runs_programs(const struct config_service *service)
{
	return (service->handler->flags & PREFORKD_COMMAND) != 0;
}

static bool runs_as_root(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->identity.set && service->identity.uid == 0 && runs_programs(service);
}

/* Programs get no rights from set-user-ID files by default, and a unit without CAP_SYS_ADMIN and with a filter of
 * system calls cannot let them have any, unless it starts as root. */
static bool allows_new_rights(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return !service->sandbox.no_new_privileges && service->identity.uid != 0 && runs_programs(service);
}

static bool sets_priority(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->program.nice != CONFIG_UNSET;
}

static bool is_urgent(const struct host_unit *host, const struct config_service *service)
{
	return sets_priority(host, service) && service->program.nice < 0;
}

static bool is_killed_last(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->program.oom_score_adjust != CONFIG_UNSET && service->program.oom_score_adjust < 0;
}

static bool filters_calls(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->sandbox.level != SANDBOX_OFF;
}

static bool limits_reading(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->sandbox.read != NULL;
}

static bool limits_writing(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->sandbox.write != NULL;
}

static bool limits_executing(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->sandbox.execute != NULL;
}

static bool limits_connecting(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->sandbox.tcp_connect.limited;
}

static bool limits_binding(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->sandbox.tcp_bind.limited;
}

static bool has_folder_of_its_own(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->sandbox.private_tmp;
}

static bool writes_nothing(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->sandbox.read_only;
}

static bool has_network_of_its_own(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->sandbox.private_network;
}

static bool has_pids_of_its_own(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->sandbox.private_pids && runs_programs(service) && !service->program.runs;
}

static bool limits_memory(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return runs_programs(service) && service->limits.memory != 0;
}

static bool limits_tasks(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return runs_programs(service) && service->limits.tasks != 0;
}

static bool has_root(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->sandbox.root != NULL;
}

#define LANDLOCK "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
#define FILES	 "a service sees files in another way"
#define LIMITED	 "a service limits its files or ports"
#define GROUP	 "programs are counted in a control group"

/* All that a key needs, when ASKS says that the service needs it at all. Lists are texts with blanks; NULL: none. */
static const struct need {
	const char *key;
	bool (*asks)(const struct host_unit *host, const struct config_service *service);
	bool root; /* User=root */
	const char *capabilities;
	const char *calls;
	const char *namespaces;
	const char *controller; /* of control groups */
	const char *off;	/* settings that must not be on */
	bool mounts_proc;	/* a new /proc is mounted */
	const char *why;
	enum host_weight weight; /* of a wall: see weigh() */
} needs[] = {
	{.key = "user",
	 .asks = becomes_another,
	 .root = true,
	 .capabilities = "CAP_SETUID CAP_SETGID",
	 .why = "a worker becomes the user of its service",
	 .weight = HOST_REFUSAL},
	{.key = "user",
	 .asks = keeps_user,
	 .capabilities = "CAP_SETGID",
	 .why = "a worker takes the groups of its user",
	 .weight = HOST_REFUSAL},
	{.key = "user",
	 .asks = becomes_another,
	 .capabilities = "CAP_KILL",
	 .why = "the master stops processes of other users"},
	{.key = "user",
	 .asks = runs_as_root,
	 .capabilities = "CAP_SETUID CAP_SETGID CAP_KILL CAP_SYS_CHROOT",
	 .why = "a program of root becomes another user, and changes its root folder"},
	{.key = "program.nice",
	 .asks = sets_priority,
	 .calls = "setpriority",
	 .why = "a worker sets its priority",
	 .weight = HOST_REFUSAL},
	{.key = "program.nice",
	 .asks = is_urgent,
	 .capabilities = "CAP_SYS_NICE",
	 .why = "a worker raises its priority",
	 .weight = HOST_MISTAKE},
	{.key = "program.oom_score_adjust",
	 .asks = is_killed_last,
	 .capabilities = "CAP_SYS_RESOURCE",
	 .why = "the kernel kills others before a worker",
	 .weight = HOST_MISTAKE},
	{.key = "limits.memory",
	 .asks = limits_memory,
	 .controller = "memory",
	 .off = "ProtectControlGroups",
	 .why = GROUP},
	{.key = "limits.tasks",
	 .asks = limits_tasks,
	 .controller = "pids",
	 .off = "ProtectControlGroups",
	 .why = GROUP},
	{.key = "sandbox.level", .asks = filters_calls, .calls = "seccomp", .why = "a service filters system calls"},
	{.key = "sandbox.no_new_privileges",
	 .asks = allows_new_rights,
	 .root = true,
	 .off = "NoNewPrivileges",
	 .why = "set-user-ID files give rights to a program"},
	{.key = "sandbox.private_tmp",
	 .asks = has_folder_of_its_own,
	 .calls = "mount",
	 .namespaces = "user mnt",
	 .why = FILES},
	{.key = "sandbox.read_only", .asks = writes_nothing, .calls = "mount", .namespaces = "user mnt", .why = FILES},
	{.key = "sandbox.private_network",
	 .asks = has_network_of_its_own,
	 .namespaces = "user net",
	 .why = "a service has a network of its own"},
	{.key = "sandbox.private_pids",
	 .asks = has_pids_of_its_own,
	 .calls = "mount",
	 .namespaces = "user pid mnt",
	 .mounts_proc = true,
	 .why = "a service has processes of its own"},
	{.key = "sandbox.read", .asks = limits_reading, .calls = LANDLOCK, .why = LIMITED},
	{.key = "sandbox.write", .asks = limits_writing, .calls = LANDLOCK, .why = LIMITED},
	{.key = "sandbox.execute", .asks = limits_executing, .calls = LANDLOCK, .why = LIMITED},
	{.key = "sandbox.tcp_connect", .asks = limits_connecting, .calls = LANDLOCK, .why = LIMITED},
	{.key = "sandbox.tcp_bind", .asks = limits_binding, .calls = LANDLOCK, .why = LIMITED},
	{.key = "sandbox.root",
	 .asks = has_root,
	 .capabilities = "CAP_SYS_CHROOT",
	 .why = "a worker changes its root folder",
	 .weight = HOST_MISTAKE},
};

/* A service that requires its walls (sandbox/walls.h) is not opened without them. */
static enum host_weight weigh(const struct need *need, const struct config_service *service)
{
	bool wall = need->weight == HOST_DOUBT && (strncmp(need->key, "sandbox.", strlen("sandbox.")) == 0 ||
						   strncmp(need->key, "limits.", strlen("limits.")) == 0);

	return wall && service->sandbox.required ? HOST_REFUSAL : need->weight;
}

static void find_all(struct lacking *l, const struct need *need)
{
	if (need->capabilities != NULL)
		find_capabilities(l, need->capabilities);
	if (need->calls != NULL)
		find_calls(l, need->calls);
	if (need->namespaces != NULL)
		find_namespaces(l, need->namespaces);
	if (need->controller != NULL)
		find_controller(l, need->controller);
	if (need->off != NULL)
		find_settings_on(l, need->off);
	if (need->mounts_proc)
		find_proc(l);
}

static void judge_need(struct host_report *report, const struct service_values *values, const struct need *need)
{
	const struct host_place place = host_place_of(values, need->key);
	struct lacking l = {.report = report, .place = &place, .why = need->why};

	if (!need->asks(report->host, &values->service))
		return;
	/* Root lacks other rights than an ordinary user does: these are looked for when the unit has User=root. */
	if (need->root && report->host->known && report->host->starter.uid != 0)
		add_lack(&l, "User", "root", "%s", "User=root");
	else
		find_all(&l, need);
	(void)finish_lacks(&l, weigh(need, &values->service));
}

/* The capabilities that a service gives on. */
static void judge_listed(struct host_report *report, const struct service_values *values)
{
	const struct host_place place = host_place_of(values, "sandbox.capabilities");
	char list[64 * CAPABILITY_TEXT] = "";
	size_t len = 0;

	for (int i = 0; i < 64; i++) {
		if ((values->service.sandbox.capabilities >> i & 1) == 0)
			continue;
		list[len] = ' ';
		len += len > 0;
		capability_name(i, list + len);
		len += strlen(list + len);
	}
	(void)host_needs_capabilities(report, HOST_MISTAKE, &place, list, "the service gets it");
}

void host_needs_judge(struct host_report *report)
{
	const struct config_store *store = report->config->store;

	for (size_t i = 0; i < report->config->n_services; i++) {
		for (size_t k = 0; k < sizeof(needs) / sizeof(needs[0]); k++)
			judge_need(report, &store->services[i], &needs[k]);
		judge_listed(report, &store->services[i]);
	}
}
