/* SPDX-License-Identifier: MIT */
#include "change/host_amounts.h"

#include <inttypes.h>
#include <stdio.h>

#include "change/host_report.h"
#include "change/host_unit.h"
#include "config/config.h"
#include "config/host_compare.h"
#include "config/values.h"

#define SPARE_S 10 /* the unit's TimeoutStopSec= is so much longer than the default of timeouts.drain */

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

void host_amounts_judge(struct host_report *report)
{
	const struct limits *have = &report->host->limits;
	struct host_demand demand;

	host_demand_of(report->config, &demand);
	if (have->files >= 0 && demand.files > have->files)
		want_number(report, demand.files_of, "listen", "LimitNOFILE", demand.files,
			    "each address takes descriptors of the master");
	if (have->tasks >= 0 && demand.tasks > have->tasks)
		want_number(report, demand.tasks_of, "workers.max", "TasksMax", demand.tasks,
			    "all services together may have so many processes");
	judge_stop(report, &demand);
}
