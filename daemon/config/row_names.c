/* SPDX-License-Identifier: MIT */
#include "config/row_names.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "config/values.h"

struct name {
	const char *text; /* NULL ends a list */
	int value;
};

/* A set is a list; or, where the log owns the names, a pair of functions and a text for people. */
struct row_names {
	const struct name *list;
	const char *prefix; /* may stand in front of a name; NULL: none may */
	int (*by_name)(const char *name);
	const char *(*name_of)(int value);
	const char *all;
};

/* clang-format off */
#define NAMES(...) .list = (const struct name[]){__VA_ARGS__, {NULL, -1}}
/* clang-format on */

const struct row_names row_names_targets = {
	.by_name = log_target_by_name, .name_of = log_target_name, .all = "auto, syslog, journal, stderr"};

const struct row_names row_names_facilities = {
	.by_name = log_facility_by_name,
	.name_of = log_facility_name,
	.all = "daemon, user, auth, authpriv, cron, ftp, lpr, mail, news, uucp, syslog, local0 to local7"};

const struct row_names row_names_levels = {.by_name = log_level_by_name,
					   .name_of = log_level_name,
					   .all = "emerg, alert, crit, err, warning, notice, info, debug"};

const struct row_names row_names_connections = {
	NAMES({"none", LOG_CONNECTIONS_NONE}, {"errors", LOG_CONNECTIONS_ERRORS}, {"all", LOG_CONNECTIONS_ALL})};

const struct row_names row_names_reads = {NAMES({"group", CONTROL_READ_GROUP}, {"all", CONTROL_READ_ALL})};

const struct row_names row_names_on_full = {
	NAMES({"queue", ON_FULL_QUEUE}, {"refuse", ON_FULL_REFUSE}, {"evict", ON_FULL_EVICT})};

const struct row_names row_names_refusals = {NAMES({"close", REFUSAL_CLOSE}, {"reset", REFUSAL_RESET})};

const struct row_names row_names_signals = {NAMES({"TERM", SIGTERM}, {"INT", SIGINT}, {"QUIT", SIGQUIT},
						  {"HUP", SIGHUP}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
						  {"WINCH", SIGWINCH}),
					    .prefix = "SIG"};

const struct row_names row_names_on_hangup = {NAMES({"term", ON_HANGUP_TERM}, {"ignore", ON_HANGUP_IGNORE})};

const struct row_names row_names_on_cut = {NAMES({"reset", ON_CUT_RESET}, {"close", ON_CUT_CLOSE})};

const struct row_names row_names_balances = {NAMES({"round_robin", BALANCE_ROUND_ROBIN},
						   {"least_busy", BALANCE_LEAST_BUSY}, {"source", BALANCE_SOURCE},
						   {"failover", BALANCE_FAILOVER})};

const struct row_names row_names_send_proxy = {NAMES({"none", 0}, {"v1", 1}, {"v2", 2})}; /* the version */

const struct row_names row_names_sandbox_levels = {
	NAMES({"strict", SANDBOX_STRICT}, {"default", SANDBOX_DEFAULT}, {"off", SANDBOX_OFF})};

int row_names_value(const struct row_names *names, const char *name)
{
	const struct name *entry;

	if (names->list == NULL)
		return names->by_name(name);
	if (names->prefix != NULL && strncmp(name, names->prefix, strlen(names->prefix)) == 0)
		name += strlen(names->prefix);
	for (entry = names->list; entry->text != NULL && strcmp(entry->text, name) != 0; entry++)
		;
	return entry->value;
}

const char *row_names_text(const struct row_names *names, int value)
{
	const struct name *entry;

	if (names->list == NULL)
		return names->name_of(value);
	for (entry = names->list; entry->text != NULL && entry->value != value; entry++)
		;
	return entry->text;
}

void row_names_list(const struct row_names *names, char *out, size_t size)
{
	const struct name *entry;
	size_t len = 0;

	(void)snprintf(out, size, "%s", names->all != NULL ? names->all : "");
	for (entry = names->list; entry != NULL && entry->text != NULL && len < size; entry++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "", entry->text);
}
