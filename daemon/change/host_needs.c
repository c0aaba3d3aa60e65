/* SPDX-License-Identifier: MIT */
#include "change/host_needs.h"

#include <cap-ng.h>
#include <preforkd/module.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

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

/* ---- the rights of root ---- */

/* A system call that a right of root is for, and what allows it in a filter. */
static const struct {
	const char *capability, *call, *group;
} calls[] = {
	{"CAP_CHOWN", "fchownat", "@chown"},	       {"CAP_SETGID", "setgroups", "@setuid"},
	{"CAP_SETUID", "setresuid", "@setuid"},	       {"CAP_SYS_ADMIN", "mount", "@mount"},
	{"CAP_SYS_ADMIN", "pivot_root", "@mount"},     {"CAP_SYS_CHROOT", "chroot", "chroot"},
	{"CAP_SYS_NICE", "setpriority", "@resources"},
};

static bool has_capability(const struct host_unit *host, const char *name)
{
	int number = capng_name_to_capability(name + strlen("CAP_"));

	return number < 0 || host_unit_is_capable(host, number);
}

/* A group that another right of the same key needs as well is named once. */
static void find_calls(struct lacking *l, const char *capability)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].capability, capability) == 0 &&
		    !unit_rules_allow_call(&l->report->host->settings, calls[i].call) &&
		    strstr(l->text, calls[i].group) == NULL)
			add_lack(l, "SystemCallFilter", calls[i].group, "SystemCallFilter=%s", calls[i].group);
	}
}

/* LIST: the names with blanks between them. */
static void find_capabilities(struct lacking *l, const char *list)
{
	char name[64];

	for (; *list != '\0'; list += strcspn(list, " "), list += strspn(list, " ")) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(list, " "), list);
		if (!has_capability(l->report->host, name))
			add_lack(l, "CapabilityBoundingSet", name, "%s", name);
		find_calls(l, name);
	}
}

bool host_needs_capabilities(struct host_report *report, enum host_weight weight, const struct host_place *place,
			     const char *capabilities, const char *why)
{
	struct lacking l = {.report = report, .place = place, .why = why};

	find_capabilities(&l, capabilities);
	return finish_lacks(&l, weight);
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

static bool runs_as_root(const struct host_unit *host, const struct config_service *service)
{
	(void)host;
	return service->identity.set && service->identity.uid == 0 && (service->handler->flags & PREFORKD_COMMAND) != 0;
}

/* All that a key needs, when ASKS says that the service needs it at all. */
static const struct need {
	const char *key;
	bool (*asks)(const struct host_unit *host, const struct config_service *service);
	bool root;		  /* User=root */
	const char *capabilities; /* NULL: none */
	const char *why;
	enum host_weight weight;
} needs[] = {
	{"user", becomes_another, true, "CAP_SETUID CAP_SETGID", "a worker becomes the user of its service",
	 HOST_REFUSAL},
	{"user", keeps_user, false, "CAP_SETGID", "a worker takes the groups of its user", HOST_REFUSAL},
	{"user", runs_as_root, false, "CAP_SETUID CAP_SETGID CAP_KILL CAP_SYS_CHROOT",
	 "a program of root becomes another user, and changes its root folder", HOST_DOUBT},
	{"user", becomes_another, false, "CAP_KILL", "the master stops processes of other users", HOST_DOUBT},
};

static void judge_need(struct host_report *report, const struct service_values *values, const struct need *need)
{
	const struct host_place place = host_place_of(values, need->key);
	struct lacking l = {.report = report, .place = &place, .why = need->why};

	if (!need->asks(report->host, &values->service))
		return;
	/* Root may lack rights, too, and others than an ordinary user does: these are looked for afterwards. */
	if (need->root && report->host->starter.uid != 0)
		add_lack(&l, "User", "root", "%s", "User=root");
	else if (need->capabilities != NULL)
		find_capabilities(&l, need->capabilities);
	(void)finish_lacks(&l, need->weight);
}

void host_needs_judge(struct host_report *report)
{
	const struct config_store *store = report->config->store;

	for (size_t i = 0; i < report->config->n_services; i++) {
		for (size_t k = 0; k < sizeof(needs) / sizeof(needs[0]); k++)
			judge_need(report, &store->services[i], &needs[k]);
	}
}
