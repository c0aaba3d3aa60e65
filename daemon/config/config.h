/* SPDX-License-Identifier: MIT */
/*
 * The configuration as the rest of the program sees it: plain structs, complete, checked, and
 * never changed after load. One struct config is one generation; it owns everything it points to
 * and goes away whole with config_free().
 */
#ifndef PREFORKD_CONFIG_CONFIG_H
#define PREFORKD_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/addr.h"
#include "net/socket_options.h"

struct preforkd_module;

/* Where a value came from, for messages: "FILE:LINE", "-o", or "default". */
struct origin {
	const char *file; /* NULL: the default, or (line == -1) the command line */
	int line;
};

enum config_log_connections { LOG_CONNECTIONS_NONE, LOG_CONNECTIONS_ERRORS, LOG_CONNECTIONS_ALL };

struct config_log {
	int target;	 /* enum log_target of base/log.h */
	int facility;	 /* LOG_DAEMON ... of syslog.h */
	int level;	 /* LOG_ERR ... LOG_DEBUG */
	int connections; /* enum config_log_connections */
};

/* The socket that the daemon is asked and told things through. */
struct config_control {
	char *path;    /* absolute; NULL: no control socket */
	mode_t mode;   /* of the path */
	gid_t group;   /* of the path, and whose members may change things; (gid_t)-1: none */
	bool read_all; /* whoever can connect may ask, not only those who may change things */
	bool asked;    /* somebody wrote the path: that it cannot be bound is then an error */
};

#define CONFIG_WORKERS_MOST 100000 /* of a service */

struct config_workers { /* numbers of processes; the first three hold for each address */
	int64_t min, min_spare, max_spare;
	int64_t max;	      /* for all addresses of the service together */
	int64_t max_requests; /* connections a worker serves before it is replaced; 0: no limit */
};

struct config_timeouts { /* milliseconds; 0: none */
	int64_t first_byte, idle, total;
	int64_t drain; /* what running clients get at a stop before they are cut */
	int64_t start; /* what a worker gets to become ready */
};

/* Who a worker runs as. Looked up at load, so that nothing is looked up at fork. */
struct identity {
	bool set;   /* false: stay who we are (not started as root) */
	char *user; /* name, "" if unknown */
	char *home, *shell;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary groups */
	size_t n_groups;
};

struct config_service {
	char *name;
	struct origin origin; /* of the service itself */
	const struct preforkd_module *handler;
	struct addr *listen; /* as written, in order, at least one */
	size_t n_listen;
	struct origin *listen_origin; /* one for each of them */
	int64_t backlog;
	bool backlog_asked; /* somebody wrote it: a clamped value deserves a warning */
	char **command;	    /* NULL-terminated; NULL: none */
	struct identity identity;
	struct config_workers workers;
	struct config_timeouts timeouts;
	struct socket_options socket;
};

struct config {
	char *file; /* absolute path of the main file */
	struct config_log log;
	struct config_control control;
	struct config_service *services; /* in the order of the files */
	size_t n_services;
	struct config_store *store; /* memory and the values with their origins; opaque */
};

void config_free(struct config **config);

#endif
