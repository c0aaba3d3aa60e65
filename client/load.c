/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <stdio.h>
#include <sysexits.h>

#include "base/err.h"
#include "load_plan.h"
#include "load_run.h"
#include "load_stats.h"
#include "report.h"

static int run_load(struct load_plan *plan)
{
	static struct load_stats stats;
	struct err err;
	int status = load_plan_prepare(plan, &err);

	if (status != 0) {
		(void)fprintf(stderr, "preforkc: %s\n", err.text);
		return status;
	}
	load_stats_init(&stats);
	if (load_run(plan, &stats, &err) < 0) {
		(void)fprintf(stderr, "preforkc: %s\n", err.text);
		return EX_OSERR;
	}
	if (plan->json)
		report_json(plan, &stats, stdout);
	else
		report_text(plan, &stats, stdout);
	if (plan->histogram && !plan->json)
		report_histogram(&stats.latency, stdout);
	if (fflush(stdout) != 0) {
		(void)fprintf(stderr, "preforkc: cannot write the report\n");
		return EX_IOERR;
	}
	return load_stats_lost(&stats) > 0 || stats.outcomes[LOAD_OK] == 0 ? 1 : 0;
}

int load_main(int argc, char **argv)
{
	struct load_plan plan;
	int status = load_plan_parse(argc, argv, &plan);

	if (status == 0)
		status = run_load(&plan);
	load_plan_free(&plan);
	return status;
}
