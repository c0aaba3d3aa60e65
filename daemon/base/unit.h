/* SPDX-License-Identifier: MIT */
/*
 * Master, and the check of a configuration. Asks systemd over its bus for the limits of a unit, which systemd does not
 * pass to the processes of the unit. It runs in an event loop and does not block. Without systemd, bus, permission or
 * unit there is no answer.
 */
#ifndef PREFORKD_BASE_UNIT_H
#define PREFORKD_BASE_UNIT_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

struct limits;
struct unit_query;
struct unit_settings;

struct unit {
	bool user; /* a unit of a user's manager, not of the system's */
	char name[256];
};

/* True if systemd started this process as a unit that reads NOTIFY_SOCKET. */
bool unit_is_one(void);

/* The unit of this process, according to its control group; false: none, or not known. */
bool unit_own(struct unit *out);

/* A connection to the system's manager or, with USER, to the user's. 0, or a negative errno. May block. */
int unit_bus_open(bool user, sd_bus **out);

/*
 * Asks for the limits of UNIT: files, processes, tasks, stop_ms; the others stay unknown. The loop calls DONE once,
 * with NULL if there is no answer; DONE may free the query. Returns NULL if it could not ask; then DONE is not called.
 */
struct unit_query *unit_ask(sd_event *event, const struct unit *unit,
			    void (*done)(const struct limits *limits, void *userdata), void *userdata);
void unit_query_free(struct unit_query **query);

/* The same without a loop, and for the settings as well, which the caller clears: blocks for TIMEOUT_MS at most; false:
 * no answer. */
bool unit_ask_now(const struct unit *unit, int64_t timeout_ms, struct limits *limits, struct unit_settings *settings);

#endif
