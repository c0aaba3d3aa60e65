/* SPDX-License-Identifier: MIT */
#include "change/host_paths.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "change/host_unit.h"

/* systemd makes this folder for the unit's user before the start. */
static bool is_made_for_unit(const struct host_unit *host, const char *folder)
{
	const char *list = unit_settings_get(&host->settings, "RuntimeDirectory");
	char item[UNIT_SETTINGS_ITEM], path[UNIT_SETTINGS_ITEM + 8];

	while (unit_settings_next(&list, item)) {
		item[strcspn(item, ":")] = '\0';
		(void)snprintf(path, sizeof(path), "/run/%s", item);
		if (strcmp(path, folder) == 0 ||
		    (strncmp(folder, "/var/run/", 9) == 0 && strcmp(path, folder + 4) == 0))
			return true;
	}
	return false;
}

void host_paths_lack_view(struct host_report *report, const struct host_place *place, const struct unit_view_rule *rule,
			  const char *path, bool writes)
{
	const char *why = writes ? "a socket is made there" : "a file there is read";

	if (strncmp(rule->setting, "ProtectHome=", 12) == 0)
		host_report_lack(report, place, "ProtectHome", "read-only", why);
	else if (strncmp(rule->setting, "PrivateDevices=", 15) == 0)
		host_report_lack(report, place, "PrivateDevices", "no", why);
	else if (strncmp(rule->setting, "PrivateTmp=", 11) == 0 && writes)
		host_report_lack(report, place, "PrivateTmp", "no", why);
	else if (strncmp(rule->setting, "PrivateTmp=", 11) == 0)
		host_report_lack(report, place, "BindReadOnlyPaths", path, why);
}

bool host_paths_overridden(const struct path_user *who, const char *path, int how)
{
	struct path_user root = *who;
	struct err unused;

	root.may_search = root.may_override = true;
	return path_access(path, how, &root, NULL, &unused) == PATH_YES;
}

/* Reports why no file can be made in FOLDER. True: it can be, and what is in the folder now is what the unit sees. */
static bool judge_folder(struct host_report *report, enum host_weight weight, const struct host_place *place,
			 const char *folder)
{
	const struct host_unit *host = report->host;
	const struct unit_view_rule *rule;
	char real[PATH_MAX];
	struct statvfs fs;
	struct err why;
	enum path_answer answer = path_access(folder, W_OK | X_OK, &host->who, real, &why);

	rule = unit_view_hides(&host->view, answer == PATH_YES ? real : folder);
	if (rule != NULL && rule->kind == VIEW_PRIVATE && strcmp(rule->path, real) == 0) {
		host_paths_lack_view(report, place, rule, real, true);
		host_report_add(report, HOST_DOUBT, place,
				"%s of %s gives the daemon a %s of its own: no other process can "
				"reach the socket; %s",
				rule->setting, host->settings.unit, rule->path, host->edit);
		return false;
	}
	if (rule != NULL) {
		host_paths_lack_view(report, place, rule, folder, true);
		host_report_add(report, weight, place, "%s of %s hides %s; %s", rule->setting, host->settings.unit,
				rule->path, host->edit);
		return false;
	}
	if (answer != PATH_YES) {
		if (answer == PATH_NO && host_paths_overridden(&host->who, folder, W_OK | X_OK))
			host_report_lack(report, place, "CapabilityBoundingSet", "CAP_DAC_OVERRIDE",
					 "a socket is made in a folder of another user");
		host_report_add(report, answer == PATH_NO ? weight : HOST_DOUBT, place, "%s", why.text);
		return false;
	}
	rule = unit_view_protects(&host->view, real);
	if (rule != NULL) {
		host_report_lack(report, place, "ReadWritePaths", real, "a socket is made there");
		host_report_add(report, weight, place,
				"%s of %s makes %s read-only; use the folder of "
				"RuntimeDirectory=, or add ReadWritePaths=%s (systemctl edit %s)",
				rule->setting, host->settings.unit, real, real, host->settings.unit);
		return false;
	}
	if (statvfs(real, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0) {
		host_report_add(report, weight, place, "%s is on a read-only file system", real);
		return false;
	}
	return true;
}

/* A file that is in the way. A socket that nobody listens on any more is removed, which a sticky folder may forbid. */
static void judge_file(struct host_report *report, enum host_weight weight, const struct host_place *place,
		       const char *path, const char *folder)
{
	const struct path_user *who = &report->host->who;
	struct stat st, parent;

	if (lstat(path, &st) < 0 || stat(folder, &parent) < 0)
		return;
	if (!S_ISSOCK(st.st_mode))
		host_report_add(report, weight, place, "%s exists and is no socket", path);
	else if ((parent.st_mode & S_ISVTX) != 0 && st.st_uid != who->uid && parent.st_uid != who->uid &&
		 !host_unit_is_capable(report->host, CAP_FOWNER)) {
		host_report_lack(report, place, "CapabilityBoundingSet", "CAP_FOWNER",
				 "a stale socket of another user is removed");
		host_report_add(report, weight, place,
				"%s is a stale socket of another user, which %s cannot remove from a folder with the "
				"sticky bit",
				path, who->name);
	}
}

void host_paths_judge(struct host_report *report, enum host_weight weight, const struct host_place *place,
		      const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	(void)snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	if (is_made_for_unit(report->host, folder) || judge_folder(report, weight, place, folder))
		judge_file(report, weight, place, path, folder);
}
