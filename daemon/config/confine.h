/* SPDX-License-Identifier: MIT */
/* Any process. The groups of a service that say what its processes may use and do: a part of config.h. */
#ifndef PREFORKD_CONFIG_CONFINE_H
#define PREFORKD_CONFIG_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_ports {
	bool limited; /* false: every port is allowed */
	uint16_t *list;
	size_t n;
};

struct config_limits {
	int64_t memory, tasks; /* of the service's control group: bytes, and processes with threads; 0: no limit */
};

enum config_sandbox_level { SANDBOX_OFF, SANDBOX_DEFAULT, SANDBOX_STRICT };

struct config_sandbox {
	int level;		/* enum config_sandbox_level: which system calls are forbidden */
	bool required;		/* a wall that cannot be had is an error (sandbox/walls.h) */
	bool private_tmp;	/* /tmp and /var/tmp of its own */
	bool private_network;	/* no network but a loopback interface of its own */
	bool private_pids;	/* programs see and signal only each other */
	bool read_only;		/* no file can be written, except below a private /tmp */
	bool no_new_privileges; /* programs get no rights from set-user-ID files and the like */
	char *root;		/* the root folder, an absolute path; NULL: that of the daemon */
	/* If the list was written: the only ones that the programs have, or the worker if it runs none. */
	bool capabilities_written;
	uint64_t capabilities; /* base/capability.h */
	/* Files and folders, absolute paths, NULL-terminated; NULL: this right is not limited. */
	char **read, **write, **execute;
	struct config_ports tcp_connect, tcp_bind;
};

#endif
