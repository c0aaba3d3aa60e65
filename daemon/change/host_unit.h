/* SPDX-License-Identifier: MIT */
/*
 * --check=host. The unit that would run the daemon: its user, capabilities, limits and view of the files, as systemd or
 * its files tell. Without such a unit the same of this process.
 */
#ifndef PREFORKD_CHANGE_HOST_UNIT_H
#define PREFORKD_CHANGE_HOST_UNIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/path_access.h"
#include "base/unit_settings.h"
#include "base/unit_view.h"
#include "config/config.h"

struct arena;

struct host_unit {
	bool known;		       /* false: no unit runs this configuration */
	bool reads;		       /* the unit reads the file that is checked */
	bool told;		       /* by systemd, not by the files */
	struct err trouble;	       /* why the unit cannot run at all; "": it can */
	struct unit_settings settings; /* of the unit */
	struct limits limits;	       /* of the unit or of this process */
	struct unit_view view;	       /* empty without a unit */
	struct identity starter;       /* the user and the groups of the master */
	struct path_user who;	       /* the same */
	uint64_t capabilities;	       /* of the master */
	char who_name[128];	       /* "the user preforkd of preforkd.service" */
	char edit[320];		       /* what the administrator can do about a rule of the unit */
	struct unit_settings *sockets; /* the socket units that start the unit */
	size_t n_sockets;
	struct arena *arena;
};

/* Finds out about the unit for the configuration FILE (absolute). Blocks for some seconds at most. */
void host_unit_init(struct host_unit *host, const char *file);
/* The unit for FILE as it is packaged, without its drop-ins and without this host's state. */
void host_unit_init_packaged(struct host_unit *host, const char *file);

/* Gives the unit another item of the list SETTING, or another value of the text SETTING. */
void host_unit_add(struct host_unit *host, const char *setting, const char *value);

void host_unit_clear(struct host_unit *host);

/* The master has the capability CAP_... of linux/capability.h. */
bool host_unit_is_capable(const struct host_unit *host, int capability);

/* The process PID belongs to the daemon of this unit. */
bool host_unit_is_ours(const struct host_unit *host, pid_t pid);

/* A socket unit that is active hands the address TEXT, as addr_format() writes it, or the name TEXT over. */
bool host_unit_has_socket(const struct host_unit *host, const char *text);
bool host_unit_has_socket_name(const struct host_unit *host, const char *name);

/* The network of its own that the unit has: "" if it is private, else the path of the namespace. NULL: it has none. */
const char *host_unit_network(const struct host_unit *host);

/* The root folder of its own that the unit has (RootDirectory=). NULL: it has none. */
const char *host_unit_root(const struct host_unit *host);

#endif
