/* SPDX-License-Identifier: MIT */
#include "change/host_amounts.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/parse.h"
#include "change/host_report.h"
#include "change/host_unit.h"
#include "config/config.h"
#include "config/host_compare.h"
#include "config/limit_table.h"
#include "config/values.h"

#define MEMLOCK_DEFAULT (INT64_C(8) << 20) /* DefaultLimitMEMLOCK= of systemd 252 */
#define SPARE_S		10 /* the unit's TimeoutStopSec= is so much longer than the default of timeouts.drain */

static void want_number(struct host_report *report, size_t service, const char *key, const char *setting,
			int64_t number, const char *why)
{
	const struct host_place place = host_place_of(&report->config->store->services[service], key);
	char value[32];

	(void)snprintf(value, sizeof(value), "%" PRId64, number);
	host_report_lack(report, &place, setting, value, why);
}

static void judge_stop(struct host_report *report, const struct host_demand *demand)
{
	static const char setting[] = "TimeoutStopSec", why[] = "clients may take that long to finish at a stop";
	const struct host_place place =
		host_place_of(&report->config->store->services[demand->stop_of], "timeouts.drain");
	int64_t have = report->host->limits.stop_ms;

	if (have < 0 || (demand->stop_ms != 0 && demand->stop_ms < have))
		return;
	if (demand->stop_ms == 0)
		host_report_lack(report, &place, setting, "infinity", why);
	else
		want_number(report, demand->stop_of, "timeouts.drain", setting,
			    (demand->stop_ms + 999) / 1000 + SPARE_S, why);
}

/* The highest limit that the unit lets a process set; INT64_MAX: there is none, or systemd's default is high enough. */
static int64_t unit_limit(const struct host_unit *host, const struct limit_kind *kind)
{
	const char *text = unit_settings_get(&host->settings, kind->setting), *hard;
	int64_t value;

	if (text == NULL)
		return kind->resource == RLIMIT_MEMLOCK ? MEMLOCK_DEFAULT : INT64_MAX;
	hard = strchr(text, ':');
	/* "infinity", and the number that systemd tells for it, are no sizes */
	return parse_size(hard != NULL ? hard + 1 : text, &value, NULL) == 0 ? value : INT64_MAX;
}

/* The same of this process. */
static int64_t own_limit(const struct limit_kind *kind)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)kind->resource, &limit) < 0 || limit.rlim_max > INT64_MAX)
		return INT64_MAX;
	return (int64_t)limit.rlim_max;
}

/* The service with the highest limit of KIND; n_services: none has one. */
static size_t find_highest(const struct config *config, const struct limit_kind *kind, int64_t *highest)
{
	size_t found = config->n_services;

	*highest = -1;
	for (size_t i = 0; i < config->n_services; i++) {
		int64_t number = limit_kind_number(kind, &config->services[i].limits);

		if (number == CONFIG_UNSET || number <= *highest)
			continue;
		*highest = number;
		found = i;
	}
	return found;
}

/* A limit of programs that is higher than the daemon's own. FLOOR: the limit that the unit must have anyway. */
static void judge_limit(struct host_report *report, const struct limit_kind *kind, int64_t floor)
{
	const struct host_unit *host = report->host;
	int64_t have = host->known ? unit_limit(host, kind) : own_limit(kind), highest;
	size_t i = find_highest(report->config, kind, &highest);
	struct host_place place;

	if (highest <= have || highest <= floor || kind->resource == RLIMIT_CPU ||
	    host_unit_is_capable(host, CAP_SYS_RESOURCE))
		return;
	place = host_place_of(&report->config->store->services[i], kind->key);
	if (highest == CONFIG_UNLIMITED)
		host_report_lack(report, &place, kind->setting, "infinity", "programs have that limit");
	else
		want_number(report, i, kind->key, kind->setting, highest, "programs have that limit");
	host_report_add(report, HOST_MISTAKE, &place, "%s has less (%s=)%s%s", host->who_name, kind->setting,
			host->known ? "; " : "", host->edit);
}

void host_amounts_judge(struct host_report *report)
{
	const struct limits *have = &report->host->limits;
	struct host_demand demand;
	int64_t highest = -1;

	host_demand_of(report->config, &demand);
	for (size_t i = 0; i < LIMIT_KINDS; i++) {
		bool files = limit_kinds[i].resource == RLIMIT_NOFILE;

		if (files)
			(void)find_highest(report->config, &limit_kinds[i], &highest);
		judge_limit(report, &limit_kinds[i], files ? demand.files : 0);
	}
	if (have->files >= 0 && demand.files > have->files && demand.files >= highest)
		want_number(report, demand.files_of, "listen", "LimitNOFILE", demand.files,
			    "each address takes descriptors of the master");
	if (have->tasks >= 0 && demand.tasks > have->tasks)
		want_number(report, demand.tasks_of, "workers.max", "TasksMax", demand.tasks,
			    "all services together may have so many processes");
	judge_stop(report, &demand);
}
