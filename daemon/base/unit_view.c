/* SPDX-License-Identifier: MIT */
#include "base/unit_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/unit_settings.h"

static void add_rule(struct unit_view *view, enum unit_view_kind kind, const char *path, const char *name,
		     const char *value)
{
	struct unit_view_rule *rule = &view->rules[view->n];
	char real[PATH_MAX];

	if (view->n >= UNIT_VIEW_RULES)
		return;
	rule->kind = kind;
	if (realpath(path, real) != NULL) /* systemd follows links */
		path = real;
	if ((size_t)snprintf(rule->path, sizeof(rule->path), "%s", path) >= sizeof(rule->path))
		return;
	(void)snprintf(rule->setting, sizeof(rule->setting), "%s=%.30s", name, value);
	view->n++;
}

static void add_rules(struct unit_view *view, enum unit_view_kind kind, const char *const *paths, const char *name,
		      const char *value)
{
	for (; *paths != NULL; paths++)
		add_rule(view, kind, *paths, name, value);
}

/* The list of paths NAME. "-" before a path: it may be missing; "+": below RootDirectory=. */
static void add_list(struct unit_view *view, const struct unit_settings *settings, enum unit_view_kind kind,
		     const char *name)
{
	const char *list = unit_settings_get(settings, name);
	char item[UNIT_SETTINGS_ITEM];

	while (unit_settings_next(&list, item)) {
		const char *path = item + strspn(item, "-+");

		add_rule(view, kind, path, name, path);
	}
}

/* The folders NAME below BASE, which systemd makes for the unit's user. */
static void add_folders(struct unit_view *view, const struct unit_settings *settings, const char *name,
			const char *base)
{
	const char *list = unit_settings_get(settings, name);
	char item[UNIT_SETTINGS_ITEM], path[UNIT_SETTINGS_ITEM + 32];

	while (unit_settings_next(&list, item)) {
		item[strcspn(item, ":")] = '\0'; /* then names of links */
		(void)snprintf(path, sizeof(path), "%s/%s", base, item);
		add_rule(view, VIEW_WRITABLE, path, name, item);
	}
}

static void add_home(struct unit_view *view, const struct unit_settings *settings)
{
	static const char *const homes[] = {"/home", "/root", "/run/user", NULL};
	const char *value = unit_settings_get(settings, "ProtectHome");

	if (unit_settings_is_on(settings, "ProtectHome"))
		add_rules(view, VIEW_HIDDEN, homes, "ProtectHome", "yes");
	else if (value != NULL && strcmp(value, "tmpfs") == 0)
		add_rules(view, VIEW_PRIVATE, homes, "ProtectHome", value);
	else if (value != NULL && strcmp(value, "read-only") == 0)
		add_rules(view, VIEW_READ_ONLY, homes, "ProtectHome", value);
}

static void add_system(struct unit_view *view, const struct unit_settings *settings)
{
	static const char *const some[] = {"/usr", "/boot", "/efi", NULL};
	static const char *const full[] = {"/usr", "/boot", "/efi", "/etc", NULL};
	static const char *const all[] = {"/", NULL};
	static const char *const others[] = {"/proc", "/sys", "/dev", "/home", "/run/user", "/root", NULL};
	const char *value = unit_settings_get(settings, "ProtectSystem");

	if (unit_settings_is_on(settings, "ProtectSystem")) {
		add_rules(view, VIEW_READ_ONLY, some, "ProtectSystem", "yes");
	} else if (value != NULL && strcmp(value, "full") == 0) {
		add_rules(view, VIEW_READ_ONLY, full, "ProtectSystem", value);
	} else if (value != NULL && strcmp(value, "strict") == 0) {
		add_rules(view, VIEW_READ_ONLY, all, "ProtectSystem", value);
		add_rules(view, VIEW_WRITABLE, others, "ProtectSystem", value); /* other settings are about these */
	}
}

static void add_private(struct unit_view *view, const struct unit_settings *settings)
{
	static const char *const tmp[] = {"/tmp", "/var/tmp", NULL};
	static const char *const writable[] = {"/dev/shm", "/dev/mqueue", NULL};
	static const char *const shown[] = {"/dev/null",    "/dev/zero", "/dev/full", "/dev/random",
					    "/dev/urandom", "/dev/tty",	 "/dev/pts",  "/dev/shm",
					    "/dev/mqueue",  "/dev/log",	 NULL};
	const char *value = unit_settings_get(settings, "PrivateTmp");

	if (unit_settings_is_on(settings, "PrivateTmp") || (value != NULL && strcmp(value, "disconnected") == 0)) {
		add_rules(view, VIEW_PRIVATE, tmp, "PrivateTmp", "yes");
		add_rules(view, VIEW_WRITABLE, tmp, "PrivateTmp", "yes");
	}
	if (!unit_settings_is_on(settings, "PrivateDevices"))
		return;
	add_rule(view, VIEW_PRIVATE, "/dev", "PrivateDevices", "yes");
	add_rules(view, VIEW_SHOWN, shown, "PrivateDevices", "yes");
	add_rule(view, VIEW_READ_ONLY, "/dev", "PrivateDevices", "yes");
	add_rules(view, VIEW_WRITABLE, writable, "PrivateDevices", "yes");
	add_rule(view, VIEW_NO_EXEC, "/dev", "PrivateDevices", "yes");
}

static bool has_own_root(const struct unit_settings *settings)
{
	const char *folder = unit_settings_get(settings, "RootDirectory");
	const char *image = unit_settings_get(settings, "RootImage");

	return (folder != NULL && folder[0] != '\0') || (image != NULL && image[0] != '\0');
}

void unit_view_init(struct unit_view *view, const struct unit_settings *settings)
{
	view->n = 0;
	if (has_own_root(settings)) {
		add_list(view, settings, VIEW_SHOWN, "BindPaths");
		add_list(view, settings, VIEW_SHOWN, "BindReadOnlyPaths");
		return;
	}
	add_home(view, settings);
	add_system(view, settings);
	add_private(view, settings);
	add_list(view, settings, VIEW_HIDDEN, "InaccessiblePaths");
	add_list(view, settings, VIEW_PRIVATE, "TemporaryFileSystem");
	add_list(view, settings, VIEW_WRITABLE, "TemporaryFileSystem");
	add_list(view, settings, VIEW_SHOWN, "BindPaths");
	add_list(view, settings, VIEW_WRITABLE, "BindPaths");
	add_list(view, settings, VIEW_SHOWN, "BindReadOnlyPaths");
	add_list(view, settings, VIEW_READ_ONLY, "BindReadOnlyPaths");
	add_list(view, settings, VIEW_READ_ONLY, "ReadOnlyPaths");
	add_list(view, settings, VIEW_WRITABLE, "ReadWritePaths");
	add_list(view, settings, VIEW_NO_EXEC, "NoExecPaths");
	add_list(view, settings, VIEW_EXEC, "ExecPaths");
	add_folders(view, settings, "RuntimeDirectory", "/run");
	add_folders(view, settings, "StateDirectory", "/var/lib");
	add_folders(view, settings, "CacheDirectory", "/var/cache");
	add_folders(view, settings, "LogsDirectory", "/var/log");
}

/* True: PATH is FOLDER or something in it. */
static bool is_in(const char *path, const char *folder)
{
	size_t len = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* The rule of KIND with the deepest folder that PATH is in. */
static const struct unit_view_rule *find_rule(const struct unit_view *view, enum unit_view_kind kind, const char *path)
{
	const struct unit_view_rule *found = NULL;

	for (size_t i = 0; i < view->n; i++) {
		const struct unit_view_rule *rule = &view->rules[i];

		if (rule->kind == kind && is_in(path, rule->path) &&
		    (found == NULL || strlen(rule->path) > strlen(found->path)))
			found = rule;
	}
	return found;
}

/* The rule of BAD, unless one of GOOD has a deeper folder; of two for one folder the stricter one counts. */
static const struct unit_view_rule *weigh_rules(const struct unit_view *view, enum unit_view_kind bad,
						enum unit_view_kind good, const char *path)
{
	const struct unit_view_rule *against = find_rule(view, bad, path), *in_favour = find_rule(view, good, path);

	if (against != NULL && in_favour != NULL && strlen(in_favour->path) > strlen(against->path))
		return NULL;
	return against;
}

const struct unit_view_rule *unit_view_hides(const struct unit_view *view, const char *path)
{
	const struct unit_view_rule *hidden = find_rule(view, VIEW_HIDDEN, path);

	/* Nothing can be mounted into a folder that cannot be entered. */
	return hidden != NULL ? hidden : weigh_rules(view, VIEW_PRIVATE, VIEW_SHOWN, path);
}

const struct unit_view_rule *unit_view_protects(const struct unit_view *view, const char *path)
{
	return weigh_rules(view, VIEW_READ_ONLY, VIEW_WRITABLE, path);
}

const struct unit_view_rule *unit_view_forbids_exec(const struct unit_view *view, const char *path)
{
	return weigh_rules(view, VIEW_NO_EXEC, VIEW_EXEC, path);
}

const struct unit_view_rule *unit_view_shows(const struct unit_view *view, const char *path)
{
	return find_rule(view, VIEW_SHOWN, path);
}
