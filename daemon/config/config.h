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

#include "base/parse.h"
#include "net/addr.h"
#include "net/socket_options.h"
#include "syntax/origin.h"

struct loaded_module;
struct networks;
struct preforkd_module;

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

enum config_on_full {
	ON_FULL_QUEUE,	/* the kernel's queue holds them */
	ON_FULL_REFUSE, /* they are turned away at once */
	ON_FULL_EVICT,	/* who has been silent longest before its first byte gives way */
};

struct config_workers { /* numbers of processes; the first three hold for each address */
	int64_t min, min_spare, max_spare;
	int64_t max;		 /* for all addresses of the service together */
	int64_t max_requests;	 /* connections a worker serves before it is replaced; 0: no limit */
	int on_full;		 /* enum config_on_full */
	int64_t max_age;	 /* milliseconds after which a worker is replaced, less up to a tenth; 0: no limit */
	int64_t max_memory;	 /* bytes of its own above which it is replaced; 0: no limit */
	int64_t max_unavailable; /* at a reload, programs that are replaced at a time, at each address */
};

struct config_timeouts { /* milliseconds; 0: none */
	int64_t first_byte, idle, total;
	int64_t first_byte_busy; /* in place of first_byte while all workers are busy and clients wait */
	int64_t send;		 /* a client that takes nothing of what there is for it */
	int64_t drain;		 /* what running clients get at a stop before they are cut */
	int64_t start;		 /* what a worker gets to become ready */
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

/* One entry of an allow or deny list, for explain and for the log. */
struct access_rule {
	bool allow;
	const char *text;     /* as written */
	struct origin origin; /* the line of the configuration, or of the list's own file */
};

enum config_refusal { REFUSAL_CLOSE, REFUSAL_RESET };

struct config_access {
	const struct networks *rules; /* a match's value is an index into rule[]; NULL: everybody may */
	const struct access_rule *rule;
	size_t n_rules;
	bool only_allowed; /* there is a list of who may: all others may not */
	/* who is ...; NULL: nobody */
	const struct networks *probes;	    /* a health check: counted, not logged */
	const struct networks *exempt;	    /* not limited, not penalized */
	const struct networks *reserve_for; /* let in to the last `reserve` workers */
	int64_t reserve;
	int64_t per_source;	     /* connections at once; 0: no limit */
	struct rate per_source_rate; /* n == 0: no limit */
	struct rate rate;	     /* of the service; n == 0: no limit */
	int64_t prefix4, prefix6;    /* bits of an address that make one source */
	int64_t sources;	     /* that rates and penalties can be remembered for */
	int refusal;		     /* enum config_refusal */
	char *banner;		     /* sent to the refused; NULL: none */
};

struct config_penalty {		  /* for a source */
	int64_t crashes;	  /* workers that it crashed; 0: none is given for that */
	int64_t refusals;	  /* within that time; 0: the same */
	int64_t within, duration; /* milliseconds */
};

struct config_proxy_protocol {
	const struct networks *from;	/* whose header is believed, and required; NULL: no header is read */
	const struct networks *without; /* who may come without; NULL: nobody */
	int64_t timeout;		/* until the header is there; milliseconds, never 0 */
};

struct config_program {	  /* of a service whose workers are its command, which accepts by itself */
	bool runs;	  /* it is one */
	bool notify;	  /* it is ready when it says so, not when it has lived for timeouts.start */
	int64_t watchdog; /* how often it must say that it is alive; milliseconds, 0: never */
	int stop_signal;
};

enum config_on_hangup { ON_HANGUP_TERM, ON_HANGUP_IGNORE };

enum config_balance {
	BALANCE_ROUND_ROBIN, /* in turn */
	BALANCE_LEAST_BUSY,  /* where the fewest connections are */
	BALANCE_SOURCE,	     /* a client's address decides */
	BALANCE_FAILOVER,    /* the first that works */
};

#define CONFIG_UPSTREAMS_MOST 64 /* of a service */

struct config_upstreams {			 /* where a service's connections are passed on to */
	struct addr *list;			 /* as written, in order */
	size_t n;				 /* 0: nowhere */
	int balance;				 /* enum config_balance */
	int send_proxy;				 /* version of the PROXY protocol header that is sent first; 0: none */
	int64_t connect_timeout, resolve, pause; /* milliseconds */
	struct sockaddr_any bind;		 /* the source address; none: the kernel's choice */
};

struct config_service {
	char *name;
	struct origin origin; /* of the service itself */
	const struct preforkd_module *handler;
	struct addr *listen; /* as written, in order, at least one */
	size_t n_listen;
	struct origin *listen_origin; /* one for each of them */
	int64_t backlog;
	bool backlog_asked;	      /* somebody wrote it: a clamped value deserves a warning */
	char **command;		      /* NULL-terminated; NULL: none */
	struct loaded_module *module; /* what HANDLER is the table of; NULL: it is a built-in one */
	const void *options;	      /* the module's own struct; NULL: it has none */
	struct identity identity;
	struct config_workers workers;
	struct config_timeouts timeouts;
	struct config_access access;
	struct config_penalty penalty;
	struct config_proxy_protocol proxy_protocol;
	int on_hangup; /* enum config_on_hangup; of a program whose client is gone */
	struct config_upstreams upstreams;
	struct config_program program;
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
