/* SPDX-License-Identifier: MIT */
/*
 * Any process. The values behind a struct config: one field for each row, and the place that its value came from. Texts
 * that struct config has as the result of a look-up only (names of users and handlers, addresses) are here, for
 * printing and for comparing two generations row by row.
 */
#ifndef PREFORKD_CONFIG_VALUES_H
#define PREFORKD_CONFIG_VALUES_H

#include "base/region.h"
#include "config/config.h"
#include "config/environment.h"

struct arena;
struct module_loader;
struct raw;
struct value_source;

struct text_list {
	char **items; /* NULL-terminated */
	struct origin *origins;
	size_t n;
};

/* The users that may give control commands which change nothing: those that may give all commands, or all users. */
enum control_read { CONTROL_READ_GROUP, CONTROL_READ_ALL };

/* The rows of the whole program fill this. */
struct main_values {
	struct config_log log;
	struct config_control control;
	char *user, *group;
	char *control_group;
	int control_read;	      /* enum control_read */
	struct value_source *sources; /* one for each row of rows_main */
};

/* The values of a module's options (options.h). */
struct option_values {
	struct option_value *list;
	size_t n;
};

/* The networks of each list, with 0 as all values, for comparing; NULL: there is no such list. */
struct network_sets {
	const struct networks *allow, *allow_file, *deny, *deny_file;
	const struct networks *probes, *exempt, *reserve_for, *proxy_from, *proxy_without;
};

/* The rows of a service fill this. */
struct service_values {
	struct config_service service;
	char *handler, *path, *user, *group;
	char *socket_owner, *socket_group;
	struct text_list listen, command;
	struct variables environment;
	struct text_list pass_environment;
	struct text_list allow, allow_file, deny, deny_file, probes, exempt, reserve_for;
	struct text_list times;
	struct text_list proxy_from, proxy_without;
	struct text_list upstream;
	char *proxy_bind;
	struct text_list groups, capabilities;
	struct text_list sandbox_read, sandbox_write, sandbox_execute, tcp_connect, tcp_bind;
	struct raw **option_raws; /* `options` as written, until the module is loaded and tells their types */
	size_t n_option_raws;
	struct option_values options;
	uint64_t module_mark;  /* of the contents of the file `path` */
	uint64_t program_mark; /* of the files of `command`, if it accepts by itself (program_mark.h); else 0 */
	struct network_sets sets;
	size_t n_lanes;		      /* number of socket addresses of `listen`, with names resolved */
	struct value_source *sources; /* one for each row of rows_service */
};

struct config_store {
	struct arena *arena;  /* owns all of it, and the struct config itself */
	struct region region; /* the memory of the arena, if a child has read the configuration; else at is NULL */
	struct main_values main;
	struct service_values *services;    /* in the order of config->services */
	size_t n_services;		    /* the disabled ones included */
	const struct module_loader *loader; /* unloads their modules; NULL: there are none */
};

#endif
