/* SPDX-License-Identifier: MIT */
#include "master/unit_job.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/notify.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define PRIVATE "unix:path=/run/systemd/private" /* systemd's own, without a bus; for root only */

/* A connection on which calls return by DUE, or NULL. */
static sd_bus *open_bus(int64_t due)
{
	sd_bus *bus = NULL;

	if (geteuid() == 0 && sd_bus_new(&bus) >= 0) {
		if (sd_bus_set_address(bus, PRIVATE) >= 0 && sd_bus_start(bus) >= 0)
			goto opened;
		bus = sd_bus_unref(bus);
	}
	if (sd_bus_open_system(&bus) < 0)
		return NULL;
opened:
	if (clock_ms() >= due ||
	    sd_bus_set_method_call_timeout(bus, (uint64_t)(due - clock_ms()) * 1000) < 0)
		return sd_bus_unref(bus);
	return bus;
}

/* The object of the unit that this process belongs to. */
static char *find_unit(sd_bus *bus)
{
	sd_bus_message *reply = NULL;
	const char *path;
	char *copy = NULL;

	if (sd_bus_call_method(bus, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager",
			       "GetUnitByPID", NULL, &reply, "u", (uint32_t)getpid()) >= 0 &&
	    sd_bus_message_read(reply, "o", &path) >= 0)
		copy = strdup(path);
	(void)sd_bus_message_unref(reply);
	return copy;
}

/* The type of the job that the unit has at the moment; NULL: none, or not known. */
static char *find_type(sd_bus *bus, const char *unit)
{
	sd_bus_message *reply = NULL;
	char *type = NULL;
	const char *job;
	uint32_t id;

	if (sd_bus_get_property(bus, SYSTEMD, unit, SYSTEMD ".Unit", "Job", NULL, &reply, "(uo)") >= 0 &&
	    sd_bus_message_read(reply, "(uo)", &id, &job) >= 0 && id != 0)
		(void)sd_bus_get_property_string(bus, SYSTEMD, job, SYSTEMD ".Job", "JobType", NULL,
						 &type);
	(void)sd_bus_message_unref(reply);
	return type;
}

enum unit_job unit_job_ask(void)
{
	enum unit_job job = UNIT_JOB_UNKNOWN;
	char *unit = NULL, *type = NULL;
	sd_bus *bus;

	if (!notify_is_heard() || getenv("INVOCATION_ID") == NULL)
		return UNIT_JOB_NONE;
	bus = open_bus(clock_ms() + UNIT_JOB_MS);
	if (bus == NULL)
		return UNIT_JOB_UNKNOWN;
	unit = find_unit(bus);
	if (unit != NULL)
		type = find_type(bus, unit);
	if (type != NULL && strcmp(type, "stop") == 0)
		job = UNIT_JOB_STOP;
	else if (type != NULL && strstr(type, "restart") != NULL)
		job = UNIT_JOB_RESTART;
	free(type);
	free(unit);
	(void)sd_bus_flush_close_unref(bus);
	return job;
}
