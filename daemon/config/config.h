/* SPDX-License-Identifier: MIT */
/*
 * Any process. The configuration as the rest of the program sees it: plain structs, complete, checked, and never
 * changed after loading. One struct config is one generation. It owns all that it points to; config_free() frees it as
 * a whole.
 */
#ifndef PREFORKD_CONFIG_CONFIG_H
#define PREFORKD_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/access.h"
#include "config/confine.h"
#include "net/addr.h"
#include "net/socket_options.h"
#include "syntax/origin.h"

struct loaded_module;
struct preforkd_module;

enum config_log_connections { LOG_CONNECTIONS_NONE, LOG_CONNECTIONS_ERRORS, LOG_CONNECTIONS_ALL };

struct config_log {
	int target;	 /* enum log_target of base/log.h */
	int facility;	 /* LOG_DAEMON ... of syslog.h */
	int level;	 /* LOG_ERR ... LOG_DEBUG */
	int connections; /* enum config_log_connections */
};

/* The control socket. */
struct config_control {
	char *path;	   /* absolute; NULL: no control socket */
	mode_t mode;	   /* of the path */
	gid_t group;	   /* of the path; its members may use all commands; (gid_t)-1: none */
	bool read_all;	   /* every client may use commands that change nothing */
	bool path_written; /* the path was written, not the default: a path that cannot be bound is an error */
};

#define CONFIG_WORKERS_MOST 100000 /* of a service */

/* When all workers are busy. */
enum config_on_full {
	ON_FULL_QUEUE,	/* new clients wait in the kernel's queue */
	ON_FULL_REFUSE, /* new clients are refused at once */
	ON_FULL_EVICT,	/* the client that has waited longest without a first byte is cut, for the new one */
};

struct config_workers { /* numbers of processes; the first three are for each address */
	int64_t min, min_spare, max_spare;
	int64_t max;		 /* for all addresses of the service together */
	int64_t max_requests;	 /* connections a worker serves before it is replaced; 0: no limit */
	int on_full;		 /* enum config_on_full */
	int64_t max_age;	 /* milliseconds after which a worker is replaced, less up to a tenth; 0: no limit */
	int64_t max_memory;	 /* bytes of private memory above which a worker is replaced; 0: no limit */
	int64_t max_unavailable; /* programs that are replaced at the same time, for each address; 0: a tenth of min */
};

struct config_timeouts { /* milliseconds; 0: none */
	int64_t first_byte, idle, total;
	int64_t first_byte_busy; /* in place of first_byte while all workers are busy and clients wait */
	int64_t send;		 /* how long a client may read nothing while there are data for it */
	int64_t half_closed;	 /* how long a client may be silent after its upstream has finished */
	int64_t drain;		 /* how long connections may run on at a stop before they are cut */
	int64_t start;		 /* how long a worker may take to become ready */
	int64_t prove;		 /* how long a new worker is watched, once it is ready, before its change succeeds */
};

/* The user and the groups of a worker. Looked up while the configuration is loaded, so that fork needs no look-up. */
struct identity {
	bool set;     /* false: the worker keeps the master's identity (not started as root) */
	bool pending; /* the user data base gave no answer: the worker looks `user` and `group` up, nothing else is set
		       */
	char *user;   /* name; "": unknown */
	char *group;  /* as written, if the look-up is pending; NULL: the user's own */
	char **only;  /* the supplementary groups as written, NULL-terminated; NULL: those of the user data base */
	char *home, *shell;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary groups */
	size_t n_groups;
};

enum config_on_hangup { ON_HANGUP_TERM, ON_HANGUP_IGNORE };

enum config_on_cut { ON_CUT_RESET, ON_CUT_CLOSE };

enum config_balance {
	BALANCE_ROUND_ROBIN, /* in turn */
	BALANCE_LEAST_BUSY,  /* the one with the fewest connections */
	BALANCE_SOURCE,	     /* the client's address decides */
	BALANCE_FAILOVER,    /* the first that works */
};

#define CONFIG_BANNER_MOST 4096 /* bytes of `banner` */

#define CONFIG_UPSTREAMS_MOST 64 /* of a service */

struct config_upstreams {			 /* the servers that a service passes connections on to */
	struct addr *list;			 /* as written, in order */
	size_t n;				 /* 0: the service passes nothing on */
	int balance;				 /* enum config_balance */
	int send_proxy;				 /* version of the PROXY protocol header to send first; 0: none */
	int64_t connect_timeout, resolve, pause; /* milliseconds */
	struct sockaddr_any bind;		 /* the source address; len 0: the kernel's choice */
};

struct config_service {
	char *name;
	struct origin origin; /* of the service itself */
	bool enabled;	      /* false: it is checked, and not opened */
	bool optional;	      /* if it cannot be had, it waits (fleet/waiting.h), and the others serve */
	const char *obstacle; /* of an optional service: what the host lacked while the configuration was loaded */
	const struct preforkd_module *handler;
	struct addr *listen; /* as written, in order, at least one */
	size_t n_listen;
	struct origin *listen_origin;	/* one for each of them */
	struct addr_resolved *resolved; /* of each; n 0: there is no name to look up */
	int64_t backlog;
	bool backlog_written;	      /* the backlog was written, not the default: a lower one deserves a warning */
	char **command;		      /* NULL-terminated; NULL: none */
	struct loaded_module *module; /* HANDLER is its table; NULL: the handler is built in */
	const void *options;	      /* the module's own struct; NULL: it has none */
	struct identity identity;
	struct config_workers workers;
	struct config_timeouts timeouts;
	struct config_access access;
	struct config_penalty penalty;
	struct config_proxy_protocol proxy_protocol;
	int on_hangup; /* enum config_on_hangup: what happens to a program whose client is gone */
	char *banner;  /* sent to each client that is let in; NULL: none */
	int on_cut;    /* enum config_on_cut: how a connection ends before its service has finished */
	struct config_upstreams upstreams;
	struct config_program program;
	struct config_limits limits;
	struct config_sandbox sandbox;
	struct socket_options socket;
};

struct config {
	char *file; /* absolute path of the main file */
	struct config_log log;
	struct config_control control;
	struct config_service *services; /* in the order of the files; the disabled ones stand behind the others */
	size_t n_services;		 /* that are enabled */
	size_t n_disabled;
	struct config_store *store; /* memory and the values with their origins; opaque */
};

void config_free(struct config **config);

#endif
