/* SPDX-License-Identifier: MIT */
#include "config/lookup.h"

#include <errno.h>
#include <preforkd/module.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/executable.h"
#include "config/access_lookup.h"
#include "config/checker.h"
#include "config/identity.h"
#include "config/lookup_module.h"
#include "config/lookup_upstreams.h"
#include "config/nearest.h"
#include "config/sandbox_lookup.h"
#include "config/source.h"
#include "config/value_source.h"
#include "config/values.h"
#include "config/way_check.h"

#define HANDLERS_MOST 64 /* handlers that a suggestion is searched among */

static bool is_missing(const struct value_source *source)
{
	return source->level == LEVEL_PRESET && !source->bad;
}

static void lookup_handler(struct checker *checker, struct service_values *values)
{
	const struct preforkd_module *const *handlers = checker->source->handlers;
	const struct value_source *source = value_source(values, "handler");
	const char *names[HANDLERS_MOST];
	const char *near;
	size_t i, n = 0;

	if (source->bad)
		return;
	if (values->handler == NULL) {
		checker_error(checker, values, source, "missing: each service needs a handler");
		return;
	}
	for (i = 0; handlers != NULL && handlers[i] != NULL; i++) {
		if (strcmp(handlers[i]->name, values->handler) == 0) {
			values->service.handler = handlers[i];
			values->service.program.runs = (handlers[i]->flags & PREFORKD_BECOMES_COMMAND) != 0;
			return;
		}
		if (n < HANDLERS_MOST)
			names[n++] = handlers[i]->name;
	}
	near = nearest_word(names, n, values->handler);
	if (near != NULL)
		checker_error(checker, values, source, "there is no handler \"%.64s\"; did you mean \"%s\"?",
			      values->handler, near);
	else
		checker_error(checker, values, source, "there is no handler \"%.64s\"", values->handler);
}

static void lookup_listen(struct checker *checker, struct service_values *values)
{
	const struct preforkd_module *handler = values->service.handler;
	const struct value_source *source = value_source(values, "listen");
	struct config_service *service = &values->service;
	struct arena *arena = checker->store->arena;
	struct value_source place = *source;
	struct addr *addr;
	struct err err;
	size_t i;

	if (is_missing(source)) {
		checker_error(checker, values, source, "missing: an address, or a list of them");
		return;
	}
	if (values->listen.n == 0 && !source->bad)
		checker_error(checker, values, source, "the list of addresses is empty");
	service->listen = arena_alloc(arena, values->listen.n * sizeof(*service->listen));
	service->listen_origin = arena_alloc(arena, values->listen.n * sizeof(struct origin));
	service->resolved = arena_alloc(arena, values->listen.n * sizeof(*service->resolved));
	for (i = 0; i < values->listen.n; i++) {
		addr = &service->listen[service->n_listen];
		place.origin = values->listen.origins[i];
		if (addr_parse(values->listen.items[i], addr, &err) < 0) {
			checker_error(checker, values, &place, "%s", err.text);
			continue;
		}
		if (handler != NULL && addr->datagram && (handler->flags & PREFORKD_DATAGRAM) == 0) {
			checker_error(checker, values, &place, "\"%s\": the handler \"%s\" does not serve datagrams",
				      addr->text, handler->name);
			continue;
		}
		if (handler != NULL && !addr->datagram && (handler->flags & PREFORKD_STREAM) == 0) {
			checker_error(checker, values, &place,
				      "\"%s\": the handler \"%s\" serves datagrams only; write udp:", addr->text,
				      handler->name);
			continue;
		}
		service->listen_origin[service->n_listen++] = place.origin;
	}
}

static void check_program(struct checker *checker, struct service_values *values)
{
	const struct value_source *source = value_source(values, "command");
	const char *program = values->command.n > 0 ? values->command.items[0] : "";
	struct stat st;
	struct err err;
	bool missing;

	if (program[0] != '/') {
		checker_error(checker, values, source, "\"%.256s\" must be a full path, beginning with /", program);
		return;
	}
	if (checker->source->portable || values->service.sandbox.root != NULL) /* in the root: sandbox_lookup.c */
		return;
	if (stat(program, &st) < 0) {
		missing = errno == ENOENT;
		(void)err_set(&err, "\"%.256s\": %s%s", program, strerror(errno),
			      strchr(program, ' ') != NULL ? "; each argument is a string of its own" : "");
		err.code = missing ? ENOENT : 0;
		checker_waits(checker, values, source, &err);
	} else if (S_ISDIR(st.st_mode)) {
		checker_error(checker, values, source, "\"%.256s\" is a directory", program);
	} else if (!S_ISREG(st.st_mode)) {
		checker_error(checker, values, source, "\"%.256s\" is not a program", program);
	} else if (access(program, X_OK) < 0) {
		checker_error(checker, values, source, "\"%.256s\" is not executable", program);
	} else if (executable_check(program, &err) < 0) {
		checker_error(checker, values, source, "\"%.256s\" cannot be run: %s", program, err.text);
	} else if (values->service.identity.set && !values->service.identity.pending) {
		way_check(checker, values, source, program);
	}
}

static void lookup_command(struct checker *checker, struct service_values *values)
{
	const struct preforkd_module *handler = values->service.handler;
	const struct value_source *source = value_source(values, "command");
	bool wanted;

	if (handler == NULL || source->bad)
		return;
	wanted = (handler->flags & PREFORKD_COMMAND) != 0;
	if (!wanted) {
		if (values->command.n > 0 && source->level == LEVEL_SERVICE)
			checker_error(checker, values, source, "the handler \"%s\" takes no command", handler->name);
		/* A command in defaults is meant for other services. */
		values->command = (struct text_list){.n = 0};
		return;
	}
	if (values->command.n == 0) {
		checker_error(checker, values, source, "missing: the handler \"%s\" needs the program to run",
			      handler->name);
		return;
	}
	values->service.command = values->command.items;
	check_program(checker, values);
}

static void lookup_socket(struct checker *checker, struct service_values *values)
{
	struct socket_options *socket = &values->service.socket;
	struct err err;

	socket->owner = (uid_t)-1;
	socket->group = (gid_t)-1;
	if (checker->source->portable)
		return;
	if (values->socket_owner != NULL && identity_uid(values->socket_owner, &socket->owner, &err) < 0)
		checker_lacks(checker, values, value_source(values, "socket.owner"), &err);
	if (values->socket_group != NULL && identity_gid(values->socket_group, &socket->group, &err) < 0)
		checker_lacks(checker, values, value_source(values, "socket.group"), &err);
}

/* The names that decide the identity of a service, and where they were written. */
struct wish {
	const char *user, *group;
	const struct value_source *user_source, *group_source;
};

/* How close to the service a name was written. 0: for the whole program, 1: in defaults, 2: for the service. */
static int rank_source(const struct checker *checker, const struct value_source *source)
{
	const struct main_values *values = &checker->store->main;

	return source == value_source_main(values, "user") || source == value_source_main(values, "group")
		       ? 0
		       : (int)source->level;
}

/* A group belongs to the user that it was written with: drops a group that was written less close than the user. */
static struct wish find_wish(struct checker *checker, struct service_values *values)
{
	const struct main_values *main_values = &checker->store->main;
	struct wish wish = {.user = values->user, .group = values->group};

	wish.user_source = value_source(values, "user");
	wish.group_source = value_source(values, "group");
	if (wish.user == NULL) {
		wish.user = main_values->user;
		wish.user_source = value_source_main(main_values, "user");
	}
	if (wish.group == NULL) {
		wish.group = main_values->group;
		wish.group_source = value_source_main(main_values, "group");
	}
	if (rank_source(checker, wish.group_source) < rank_source(checker, wish.user_source)) {
		wish.group = NULL;
		values->group = NULL;
	}
	return wish;
}

static const char not_root[] =
	"not started as root (a systemd unit: \"preforkd --unit-dropin\" prints what it needs; to "
	"check the file for a start as root: --check=portable)";

/* Without root's rights workers keep the identity of the master: reports any other user or group. */
static void check_unchanged(struct checker *checker, struct service_values *values, const struct wish *wish)
{
	struct err err;
	uid_t uid;
	gid_t gid;

	if (wish->user != NULL) {
		if (identity_uid(wish->user, &uid, &err) < 0)
			checker_lacks(checker, values, wish->user_source, &err);
		else if (uid != values->service.identity.uid)
			checker_error(checker, values, wish->user_source, "cannot become \"%.64s\": %s", wish->user,
				      not_root);
	}
	if (wish->group != NULL) {
		if (identity_gid(wish->group, &gid, &err) < 0)
			checker_lacks(checker, values, wish->group_source, &err);
		else if (gid != values->service.identity.gid)
			checker_error(checker, values, wish->group_source, "cannot take the group \"%.64s\": %s",
				      wish->group, not_root);
	}
}

/* Reports this once for all services: one line mostly cures it for all. */
static void report_no_user(struct checker *checker, const struct service_values *values)
{
	const struct value_source *source = value_source(values, "user");

	if (checker->said_user)
		return;
	checker->said_user = true;
	if (checker->source->portable)
		checker_warning(checker, values, source,
				"missing: a start as an ordinary user does not need it; a start as root "
				"needs it, here or as a global user");
	else
		checker_error(checker, values, source,
			      "missing: started as root, the daemon needs a user for its workers, "
			      "here or as a global user (\"root\" only if you mean it)");
}

static void lookup_identity(struct checker *checker, struct service_values *values)
{
	const struct wish wish = find_wish(checker, values);
	struct arena *arena = checker->store->arena;
	bool good = true;
	struct err err;
	uid_t uid;
	gid_t gid;

	if (checker->source->starter != NULL)
		values->service.identity = *checker->source->starter;
	else if (!checker->source->portable)
		identity_of_process(arena, &values->service.identity);
	if (!checker->root && !checker->source->portable) {
		check_unchanged(checker, values, &wish);
		return;
	}
	if (wish.user == NULL && !wish.user_source->bad && !value_source(values, "user")->bad)
		report_no_user(checker, values);
	if (wish.user == NULL || checker->source->portable)
		return;
	if (identity_uid(wish.user, &uid, &err) < 0) {
		checker_waits(checker, values, wish.user_source, &err);
		good = false;
	}
	if (wish.group != NULL && identity_gid(wish.group, &gid, &err) < 0) {
		checker_waits(checker, values, wish.group_source, &err);
		good = false;
	}
	if (good && identity_of_user(wish.user, wish.group, arena, &values->service.identity, &err) < 0) {
		checker_waits(checker, values, wish.user_source, &err);
		good = false;
	}
	if (!good)
		identity_pend(wish.user, wish.group, arena, &values->service.identity);
}

/* The groups of the list; an unknown one is reported at its place. */
static void lookup_groups(struct checker *checker, struct service_values *values)
{
	struct identity *who = &values->service.identity;
	struct value_source place = *value_source(values, "groups");
	bool good = true;
	struct err err;
	gid_t gid;

	if (values->groups.items == NULL || checker->source->portable)
		return;
	if (!checker->root) {
		checker_error(checker, values, &place, "cannot take groups: %s", not_root);
		return;
	}
	who->only = values->groups.items;
	for (size_t i = 0; i < values->groups.n; i++) {
		place.origin = values->groups.origins[i];
		if (identity_gid(values->groups.items[i], &gid, &err) == 0)
			continue;
		checker_waits(checker, values, &place, &err);
		good = false;
	}
	if (good && !who->pending)
		(void)identity_take_groups(who, checker->store->arena, &err);
}

void lookup_service(struct checker *checker, struct service_values *values)
{
	values->service.backlog_written = value_source(values, "backlog")->level != LEVEL_PRESET;
	lookup_handler(checker, values);
	lookup_module(checker, values);
	lookup_listen(checker, values);
	lookup_identity(checker, values);
	lookup_groups(checker, values);
	lookup_command(checker, values);
	sandbox_lookup(checker, values);
	lookup_upstreams(checker, values);
	lookup_socket(checker, values);
	access_lookup(checker, values);
}
