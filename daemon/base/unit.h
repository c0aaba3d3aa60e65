/* SPDX-License-Identifier: MIT */
/*
 * What systemd knows of a unit and does not tell the unit's processes: asked over its bus, in an
 * event loop, so that nobody waits for it. Wherever that does not work (no systemd, no bus, no
 * right, no such unit) there is simply no answer.
 */
#ifndef PREFORKD_BASE_UNIT_H
#define PREFORKD_BASE_UNIT_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

struct limits;
struct unit_query;

struct unit {
	bool user; /* of a user's own manager */
	char name[256];
};

/* Was this process started as a unit of systemd's, which hears what it says of itself? */
bool unit_is_one(void);

/* The unit that started this process, as the control groups tell; false: none did, or they do not. */
bool unit_own(struct unit *out);

/* A connection to the system's manager, or, with USER, to the user's own. Negative errno: there is no way to it. */
int unit_bus_open(bool user, sd_bus **out);

/*
 * Asks for the limits of UNIT: files, processes, tasks, stop_ms; the others are left unknown. DONE
 * is called once, from the loop, with NULL if there is no answer, and may free the query. NULL if
 * nothing could be asked; DONE is not called then.
 */
struct unit_query *unit_ask(sd_event *event, const struct unit *unit,
			    void (*done)(const struct limits *limits, void *userdata), void *userdata);
void unit_query_free(struct unit_query **query);

/* The same for somebody who has nothing else to do, for at most TIMEOUT_MS; false: no answer. */
bool unit_ask_now(const struct unit *unit, int64_t timeout_ms, struct limits *limits);

#endif
