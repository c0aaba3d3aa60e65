/* SPDX-License-Identifier: MIT */
/* Any process. The groups of a service that say what surrounds its processes, and what they may use and do: a part of
 * config.h. */
#ifndef PREFORKD_CONFIG_CONFINE_H
#define PREFORKD_CONFIG_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONFIG_UNSET	  INT64_MIN    /* a number that was not written: the process keeps what it inherits */
#define CONFIG_UNLIMITED  INT64_MAX    /* a limit that was written as "unlimited" */
#define CONFIG_UNSET_MODE ((mode_t)-1) /* a mode that was not written */

struct config_program {		  /* the last four: of programs that accept by themselves (handler "listen") */
	char *argv0;		  /* NULL: the path of the program */
	char **argv;		  /* as the program gets it; NULL: the service runs no program */
	char **environment;	  /* "NAME=VALUE", NULL-terminated; never NULL in a service */
	int64_t listener_fd;	  /* of the handler "listen": 0, or 3 and more */
	char *directory;	  /* absolute; NULL: inherited. This and the next three hold for workers, too */
	mode_t umask;		  /* CONFIG_UNSET_MODE: inherited */
	int64_t nice;		  /* CONFIG_UNSET: inherited */
	int64_t oom_score_adjust; /* CONFIG_UNSET: the master's, and 100 more */
	int64_t log_rate;	  /* lines a second that a program may write into the log; 0: no limit */
	bool runs;		  /* the service is one of those */
	bool notify;	  /* the program is ready when it says READY=1; otherwise, when it has run for timeouts.start */
	int64_t watchdog; /* the longest time between two WATCHDOG=1; milliseconds, 0: not required */
	int stop_signal;
};

/* The resource limits of setrlimit(2). Each is CONFIG_UNSET, CONFIG_UNLIMITED, or a number that is not negative. */
struct config_limits {
	int64_t nofile, nproc;			       /* numbers */
	int64_t cpu;				       /* milliseconds, whole seconds */
	int64_t as, data, stack, core, fsize, memlock; /* bytes */
	/* For the service's control group: bytes, and processes with threads; 0: no limit. */
	int64_t memory, tasks;
};

struct config_ports {
	bool limited; /* false: every port is allowed */
	uint16_t *list;
	size_t n;
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
