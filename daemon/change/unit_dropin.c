/* SPDX-License-Identifier: MIT */
#include "change/unit_dropin.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/arena.h"
#include "base/err.h"
#include "change/host_amounts.h"
#include "change/host_files.h"
#include "change/host_needs.h"
#include "change/host_report.h"
#include "change/host_sockets.h"
#include "change/host_unit.h"
#include "config/config.h"
#include "config/identity.h"
#include "config/load.h"
#include "syntax/problems.h"

#define ROUNDS_MOST 8 /* what a unit is given shows what it lacks besides */
#define COLUMNS	    100

/* The settings of a drop-in, in the order of writing. */
static const struct setting {
	const char *name;
	bool is_list;
} settings[] = {
	{"User", false},
	{"CapabilityBoundingSet", true},
	{"NoNewPrivileges", false},
	{"Delegate", false},
	{"ProtectControlGroups", false},
	{"ProtectHostname", false},
	{"ProtectKernelLogs", false},
	{"ProtectKernelTunables", false},
	{"LimitNOFILE", false},
	{"LimitNPROC", false},
	{"LimitAS", false},
	{"LimitDATA", false},
	{"LimitSTACK", false},
	{"LimitCORE", false},
	{"LimitFSIZE", false},
	{"LimitMEMLOCK", false},
	{"TasksMax", false},
	{"TimeoutStopSec", false},
	{"ProtectHome", false},
	{"PrivateTmp", false},
	{"PrivateDevices", false},
	{"ReadWritePaths", true},
	{"BindReadOnlyPaths", true},
	{"ExecPaths", true},
	{"RestrictAddressFamilies", true},
	{"RestrictNamespaces", true},
	{"SystemCallFilter", true},
};

/* ---- what is lacking ---- */

static size_t count_errors(const struct problems *problems)
{
	size_t n = 0;

	for (size_t i = 0; i < problems_count(problems); i++)
		n += problems_get(problems, i)->level == LOG_ERR;
	return n;
}

static struct config *load_as_root(struct config_source *source, const struct host_unit *host,
				   struct problems **problems_out)
{
	struct identity *root = arena_alloc(host->arena, sizeof(*root));
	struct err unused;

	if (identity_of_user("root", NULL, host->arena, root, &unused) == 0)
		root->set = false; /* as for the unit's user: it is what the daemon has */
	source->starter = root;
	return config_load(source, problems_out);
}

/* As the user of the unit or, if that does not do, as root: then some service has a user of its own. With errors either
 * way, those of the way with fewer of them count. */
static struct config *load(struct config_source *source, const struct host_unit *host, struct problems **problems_out)
{
	struct problems *as_root;
	struct config *config;

	source->starter = &host->starter;
	config = config_load(source, problems_out);
	if (config != NULL)
		return config;
	config = load_as_root(source, host, &as_root);
	if (config == NULL && count_errors(as_root) >= count_errors(*problems_out)) {
		problems_free(&as_root);
		return NULL;
	}
	problems_free(problems_out);
	*problems_out = as_root;
	return config;
}

static void judge(const struct host_unit *host, const struct config *config, struct problems *files,
		  struct host_lacks *lacks)
{
	struct host_report report = {.host = host, .config = config, .problems = problems_new(), .lacks = lacks};

	for (size_t i = 0; problems_file_get(files, i) != NULL; i++)
		problems_file(report.problems, problems_file_get(files, i));
	host_files_judge(&report);
	host_needs_judge(&report);
	host_amounts_judge(&report);
	host_sockets_judge(&report);
	problems_free(&report.problems);
}

/* An ordinary user lacks other rights than root: if the unit must start as root, what else it lacks is looked for anew.
 */
static bool prefer_root(struct host_lacks *lacks)
{
	size_t n = 0;

	for (size_t i = 0; i < lacks->n; i++) {
		if (strcmp(lacks->list[i].setting, "User") == 0)
			lacks->list[n++] = lacks->list[i];
	}
	if (n > 0)
		lacks->n = n;
	return n > 0;
}

/* Root has all rights that the bounding set leaves; any other user only those that are handed to him. */
static bool is_handed(const struct host_unit *host, const char *setting)
{
	return strcmp(setting, "CapabilityBoundingSet") == 0 && host->starter.uid != 0;
}

static void give(struct host_unit *host, const struct host_lack *lack)
{
	bool handed = is_handed(host, lack->setting);

	host_unit_add(host, lack->setting, lack->value);
	if (handed)
		host_unit_add(host, "AmbientCapabilities", lack->value);
}

/* Gives the unit what it lacks, as the drop-in will, and looks again. A configuration that was loaded for an ordinary
 * user is loaded again if the unit must start as root, and becomes NULL if there is an error in it then. */
static void find_lacks(struct host_unit *host, struct config_source *source, struct config **config,
		       struct problems **problems, struct host_lacks *lacks)
{
	size_t given = 0;

	for (int round = 0; round < ROUNDS_MOST; round++) {
		judge(host, *config, *problems, lacks);
		if (round == 0 && prefer_root(lacks) && source->starter == &host->starter) {
			config_free(config);
			problems_free(problems);
			*config = load_as_root(source, host, problems);
			if (*config == NULL)
				return;
		}
		if (given == lacks->n)
			return;
		for (; given < lacks->n; given++)
			give(host, &lacks->list[given]);
	}
}

/* ---- writing ---- */

static bool is_first(const struct host_lacks *lacks, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (strcmp(lacks->list[k].setting, lacks->list[i].setting) == 0 &&
		    strcmp(lacks->list[k].value, lacks->list[i].value) == 0 &&
		    strcmp(lacks->list[k].why, lacks->list[i].why) == 0)
			return false;
	}
	return true;
}

/* "# VALUE, WHY: KEY, KEY", with all keys that need the same for the same reason. */
static void write_reason(const struct host_lacks *lacks, size_t i, bool is_list, FILE *out)
{
	const struct host_lack *lack = &lacks->list[i], *other;
	const char *separator = "";
	int column = fprintf(out, "# %s%s%s: ", is_list ? lack->value : "", is_list ? ", " : "", lack->why);

	for (size_t k = i; k < lacks->n; k++) {
		other = &lacks->list[k];
		if (strcmp(other->setting, lack->setting) != 0 || strcmp(other->value, lack->value) != 0 ||
		    strcmp(other->why, lack->why) != 0)
			continue;
		if (column > COLUMNS) {
			column = fprintf(out, "%s\n#   %s", separator, other->key);
		} else {
			column += fprintf(out, "%s%s%s", separator, separator[0] != '\0' ? " " : "", other->key);
		}
		separator = ",";
	}
	(void)fputc('\n', out);
}

static bool has_value(const struct host_lacks *lacks, size_t n, const char *setting, const char *value)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(lacks->list[i].setting, setting) == 0 && strcmp(lacks->list[i].value, value) == 0)
			return true;
	}
	return false;
}

/* As systemd.syntax(7) and systemd.unit(5), "Specifiers", want it. */
static void write_item(const char *text, FILE *out)
{
	const char *quote = strpbrk(text, " \t\"'") != NULL ? "\"" : "";

	(void)fputs(quote, out);
	for (; *text != '\0'; text++) {
		if (*text == '%' || (quote[0] != '\0' && (*text == '"' || *text == '\\')))
			(void)fputc(*text == '%' ? '%' : '\\', out);
		(void)fputc(*text, out);
	}
	(void)fputs(quote, out);
}

static void write_values(const struct host_lacks *lacks, const struct setting *setting, const char *name, FILE *out)
{
	const char *separator = "=";

	(void)fputs(name, out);
	for (size_t i = 0; i < lacks->n; i++) {
		const struct host_lack *lack = &lacks->list[i];

		if (strcmp(lack->setting, setting->name) != 0 || has_value(lacks, i, lack->setting, lack->value))
			continue;
		(void)fputs(separator, out);
		write_item(lack->value, out);
		separator = " ";
	}
	(void)fputc('\n', out);
}

static void write_setting(const struct host_unit *host, const struct host_lacks *lacks, const struct setting *setting,
			  FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < lacks->n; i++) {
		if (strcmp(lacks->list[i].setting, setting->name) != 0)
			continue;
		if (!any)
			(void)fputc('\n', out);
		any = true;
		if (is_first(lacks, i))
			write_reason(lacks, i, setting->is_list, out);
	}
	if (!any)
		return;
	write_values(lacks, setting, setting->name, out);
	if (is_handed(host, setting->name))
		write_values(lacks, setting, "AmbientCapabilities", out);
}

static void write_dropin(const struct host_unit *host, const struct config *config, const struct host_lacks *lacks,
			 FILE *out)
{
	(void)fprintf(out, "# %s for %s, printed by \"preforkd --unit-dropin\"%s\n", host->settings.unit, config->file,
		      lacks->n > 0 ? "." : ":\n# the unit is enough as it is.");
	if (lacks->n == 0)
		return;
	(void)fputs("# What programs need by themselves is not known from the configuration: preforkd(8), \"Programs "
		    "under the unit\".\n[Service]\n",
		    out);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		write_setting(host, lacks, &settings[i], out);
}

void unit_dropin_write(struct config_source *source, FILE *out, struct problems **problems_out)
{
	char *file = realpath(source->file, NULL);
	struct host_unit host;
	struct host_lacks lacks = {.arena = arena_new()};
	struct config *config;

	host_unit_init_packaged(&host, source->file[0] == '/' || file == NULL ? source->file : file);
	config = load(source, &host, problems_out);
	if (config != NULL) {
		find_lacks(&host, source, &config, problems_out, &lacks);
		if (config != NULL)
			write_dropin(&host, config, &lacks, out);
	}
	config_free(&config);
	host_unit_clear(&host);
	free(lacks.list);
	arena_free(&lacks.arena);
	free(file);
}
