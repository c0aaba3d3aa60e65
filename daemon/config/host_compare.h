/* SPDX-License-Identifier: MIT */
/*
 * Any process. Compares what the configuration asks for with the limits of a host. The limits are numbers that the
 * caller passes, so tests can describe any host. All problems are warnings, because most of them concern the worst
 * case.
 */
#ifndef PREFORKD_CONFIG_HOST_COMPARE_H
#define PREFORKD_CONFIG_HOST_COMPARE_H

#include <stddef.h>
#include <stdint.h>

struct config;
struct limits;
struct problems;

/* Adds a warning to *problems for each limit that is too low, with the service that asks for most and the setting to
 * change. *problems may be NULL: a list is made. Limits that are unknown (negative) are not compared. */
void host_compare(const struct config *config, const struct limits *limits, struct problems **problems);

/* The most that a configuration may need, and the number of the service that needs most of it. */
struct host_demand {
	int64_t files;	 /* descriptors of the master */
	int64_t tasks;	 /* processes of all services */
	int64_t stop_ms; /* until all clients have finished at a stop; 0: no time limit */
	size_t files_of, tasks_of, stop_of;
};

/* CONFIG has a service that is enabled. */
void host_demand_of(const struct config *config, struct host_demand *out);

#endif
