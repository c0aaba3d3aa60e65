/* SPDX-License-Identifier: MIT */
/* --check=host. Its parts share the unit, the configuration, and the list of what is wrong. */
#ifndef PREFORKD_CHANGE_HOST_REPORT_H
#define PREFORKD_CHANGE_HOST_REPORT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct config;
struct host_unit;
struct origin;
struct problems;
struct service_values;

/* A setting that the unit lacks. All of it is in the arena of the list. */
struct host_lack {
	const char *setting; /* "CapabilityBoundingSet" */
	const char *value;   /* "CAP_SETUID": one item of a list */
	const char *key;     /* that needs it: "services.git.user" */
	const char *why;     /* "a worker becomes the user of its service" */
};

struct host_lacks {
	struct arena *arena;
	struct host_lack *list; /* in the order of finding; none twice */
	size_t n;
};

struct host_report {
	const struct host_unit *host;
	const struct config *config;
	struct problems *problems;
	struct host_lacks *lacks; /* NULL: only the problems are wanted */
};

/* The value in the configuration that a finding is about. */
struct host_place {
	const struct origin *where;
	const char *key;
	bool waits; /* the service is optional: a refusal does not fail the start */
};

/* The value of the key PATH of a service, or of the whole program. */
struct host_place host_place_of(const struct service_values *values, const char *path);
struct host_place host_place_of_main(const struct config *config, const char *path);

enum host_weight {
	HOST_DOUBT,   /* the start succeeds, or what would happen is not known */
	HOST_REFUSAL, /* the system would refuse something that the start needs: an error that may pass */
	HOST_MISTAKE, /* the daemon would reject the configuration */
};

void host_report_add(struct host_report *report, enum host_weight weight, const struct host_place *place,
		     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Tells that SETTING=VALUE in the unit gives what the key at PLACE needs, because of WHY. A list takes VALUE
 * beside its other items. The caller reports the problem with host_report_add(). */
void host_report_lack(struct host_report *report, const struct host_place *place, const char *setting,
		      const char *value, const char *why);

#endif
