/* SPDX-License-Identifier: MIT */
#include "commands.h"

#include <stddef.h>

#include "explain.h"
#include "job.h"
#include "status.h"
#include "stop.h"
#include "top.h"

const struct command commands_table[] = {
	{"status", "[SERVICE]", 0, 1, status_run, "the daemon and its services, or one of them"},
	{"workers", "[SERVICE]", 0, 1, workers_run, "the workers, and the clients they serve"},
	{"explain", "ADDRESS [SERVICE]", 1, 2, explain_run, "would this client get in now, and why (not)"},
	{"top", "", 0, 0, top_run, "the same as status, and again each second"},
	{"reload", "", 0, 0, job_run, "read the configuration again; nothing changes if it is wrong"},
	{"restart", "SERVICE", 1, 1, job_run, "replace all workers or programs of a service by new ones"},
	{"upgrade", "", 0, 0, job_run, "run the installed program in place of the running one"},
	{"cancel", "", 0, 0, job_run, "give up a reload, restart, resize or upgrade under way"},
	{"stop", "[--now]", 0, 0, stop_run, "serve the clients to the end, stop, and wait for it"},
	{"pause", "SERVICE", 1, 1, job_run, "take no more clients; they wait in the queue"},
	{"resume", "SERVICE", 1, 1, job_run, "take them again"},
	{"drain", "", 0, 0, job_run, "take no new clients, serve those that are here to the end"},
	{"undrain", "", 0, 0, job_run, "take clients again"},
	{"resize", "SERVICE MIN MAX", 3, 3, job_run, "change how many workers a service has, until the next reload"},
	{NULL, NULL, 0, 0, NULL, NULL},
};
