/* SPDX-License-Identifier: MIT */
#include "change/host_needs.h"

#include <preforkd/module.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "base/capability.h"
#include "change/host_lacking.h"
#include "change/host_unit.h"
#include "config/config.h"
#include "config/values.h"

/* The service has another user than the master. */
static bool becomes_another(const struct host_unit *host, const struct config_service *service)
{
	return service->identity.set && service->identity.uid != host->starter.uid;
}

static bool keeps_user(const struct host_unit *host, const struct config_service *service)
{
	return service->identity.set && !becomes_another(host, service);
}

/* Only a master that is root takes another group, or other supplementary ones (config/lookup.c). */
static bool takes_group(const struct host_unit *host, const struct config_service *service)
{
	return host->starter.uid != 0 && keeps_user(host, service) && service->identity.gid != host->starter.gid;
}

static bool takes_groups(const struct host_unit *host, const struct config_service *service)
{
	return host->starter.uid != 0 && service->identity.only != NULL;
}

static bool runs_programs(const struct config_service *service)
{
	return (service->handler->flags & PREFORKD_COMMAND) != 0;
}

static bool is_root(const struct host_unit *host, const struct config_service *service)
{
	return (service->identity.set ? service->identity.uid : host->starter.uid) == 0;
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

/* Without no_new_privs only CAP_SYS_ADMIN may filter them. */
static bool filters_calls_of_others(const struct host_unit *host, const struct config_service *service)
{
	return filters_calls(host, service) && allows_new_rights(host, service) && service->sandbox.required &&
	       !unit_settings_is_on(&host->settings, "NoNewPrivileges");
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
	bool gives;		/* a right, and is no wall */
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
	{.key = "group", .asks = takes_group, .root = true, .why = "a worker takes the group of its service"},
	{.key = "groups", .asks = takes_groups, .root = true, .why = "a worker takes the groups of its service"},
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
	{.key = "sandbox.level",
	 .asks = filters_calls_of_others,
	 .root = true,
	 .capabilities = "CAP_SYS_ADMIN",
	 .why = "a service filters system calls of programs with new rights"},
	{.key = "sandbox.no_new_privileges",
	 .asks = allows_new_rights,
	 .root = true,
	 .off = "NoNewPrivileges",
	 .gives = true,
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
	bool wall = need->weight == HOST_DOUBT && !need->gives &&
		    (strncmp(need->key, "sandbox.", strlen("sandbox.")) == 0 ||
		     strncmp(need->key, "limits.", strlen("limits.")) == 0);

	return wall && service->sandbox.required ? HOST_REFUSAL : need->weight;
}

static void find_all(struct host_lacking *l, const struct need *need)
{
	if (need->capabilities != NULL)
		host_lacking_capabilities(l, need->capabilities);
	if (need->calls != NULL)
		host_lacking_calls(l, need->calls);
	if (need->namespaces != NULL)
		host_lacking_namespaces(l, need->namespaces);
	if (need->controller != NULL)
		host_lacking_controller(l, need->controller);
	if (need->off != NULL)
		host_lacking_offs(l, need->off);
	if (need->mounts_proc)
		host_lacking_proc(l);
}

static void judge_need(struct host_report *report, const struct service_values *values, const struct need *need)
{
	const struct host_place place = host_place_of(values, need->key);
	struct host_lacking l = {.report = report,
				 .place = &place,
				 .why = need->why,
				 .is_root = is_root(report->host, &values->service)};

	if (!need->asks(report->host, &values->service))
		return;
	/* Root lacks other rights than an ordinary user does: these are looked for when the unit has User=root. */
	if (need->root && report->host->known && report->host->starter.uid != 0)
		host_lacking_root(&l);
	else
		find_all(&l, need);
	(void)host_lacking_finish(&l, weigh(need, &values->service));
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

bool host_needs_capabilities(struct host_report *report, enum host_weight weight, const struct host_place *place,
			     const char *capabilities, const char *why)
{
	struct host_lacking l = {.report = report, .place = place, .why = why};

	host_lacking_capabilities(&l, capabilities);
	return host_lacking_finish(&l, weight);
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
