/* SPDX-License-Identifier: MIT */
#include "base/unit_job.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/unit.h"

#define SYSTEMD "org.freedesktop.systemd1"

/* The bus object of the unit that this process belongs to; NULL: not known. The caller frees it. */
static char *find_unit_path(sd_bus *bus)
{
	sd_bus_message *reply = NULL;
	const char *path;
	char *copy = NULL;

	if (sd_bus_call_method(bus, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager", "GetUnitByPID", NULL,
			       &reply, "u", (uint32_t)getpid()) >= 0 &&
	    sd_bus_message_read(reply, "o", &path) >= 0)
		copy = strdup(path);
	(void)sd_bus_message_unref(reply);
	return copy;
}

/* The type of the unit's current job; NULL: none, or not known. The caller frees it. */
static char *find_job_type(sd_bus *bus, const char *unit)
{
	sd_bus_message *reply = NULL;
	char *type = NULL;
	const char *job;
	uint32_t id;

	if (sd_bus_get_property(bus, SYSTEMD, unit, SYSTEMD ".Unit", "Job", NULL, &reply, "(uo)") >= 0 &&
	    sd_bus_message_read(reply, "(uo)", &id, &job) >= 0 && id != 0)
		(void)sd_bus_get_property_string(bus, SYSTEMD, job, SYSTEMD ".Job", "JobType", NULL, &type);
	(void)sd_bus_message_unref(reply);
	return type;
}

enum unit_job unit_job_ask(void)
{
	enum unit_job job = UNIT_JOB_UNKNOWN;
	char *path = NULL, *type = NULL;
	sd_bus *bus = NULL;

	if (!unit_is_one())
		return UNIT_JOB_NONE;
	/* There are three calls; together they may take UNIT_JOB_MS. */
	if (unit_bus_open(false, &bus) >= 0 && sd_bus_set_method_call_timeout(bus, UNIT_JOB_MS * 1000ULL / 3) >= 0)
		path = find_unit_path(bus);
	if (path != NULL)
		type = find_job_type(bus, path);
	if (type != NULL && strcmp(type, "stop") == 0)
		job = UNIT_JOB_STOP;
	else if (type != NULL && strstr(type, "restart") != NULL)
		job = UNIT_JOB_RESTART;
	free(type);
	free(path);
	(void)sd_bus_close_unref(bus);
	return job;
}
