/* SPDX-License-Identifier: MIT */
/* Any process. The resource limits of a service (`limits`) as a table: key, field, resource of setrlimit(2). */
#ifndef PREFORKD_CONFIG_LIMIT_TABLE_H
#define PREFORKD_CONFIG_LIMIT_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

struct config_limits;

struct limit_kind {
	const char *key;     /* "limits.nofile" */
	size_t offset;	     /* of its number, in struct config_limits */
	int resource;	     /* RLIMIT_NOFILE ... */
	const char *name;    /* "RLIMIT_NOFILE" */
	const char *setting; /* of a systemd unit: "LimitNOFILE" */
	char ulimit;	     /* the option of ulimit */
};

#define LIMIT_KINDS 9
extern const struct limit_kind limit_kinds[LIMIT_KINDS];

/* The number that LIMITS has; CONFIG_UNSET and CONFIG_UNLIMITED are as they are. */
int64_t limit_kind_number(const struct limit_kind *kind, const struct config_limits *limits);

/* NUMBER, which is not CONFIG_UNSET, as setrlimit(2) wants it. */
rlim_t limit_kind_value(const struct limit_kind *kind, int64_t number);

/* VALUE of setrlimit(2) for people: "64K", "30s", "100", "unlimited". */
void limit_kind_format(const struct limit_kind *kind, rlim_t value, char *out, size_t size);

/* Why SIG ended a process: "limits.cpu is 30s", with BEFORE in front of it, or "" if it has to do with no limit that is
 * set. Returns OUT. */
const char *limit_table_blame(const struct config_limits *limits, int sig, const char *before, char *out, size_t size);

#endif
