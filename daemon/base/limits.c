/* SPDX-License-Identifier: MIT */
#include "base/limits.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/parse.h"

void limits_init(struct limits *limits)
{
	*limits = (struct limits){
		.somaxconn = -1,
		.files = -1,
		.processes = -1,
		.tasks = -1,
		.stop_ms = -1,
	};
}

/* The number in a file; -1: no file, or "max". */
static int64_t read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	char text[32], buffer[64];
	int64_t number = -1;

	if (f == NULL)
		return -1;
	/* Without memory for a buffer stdio would read byte by byte, and a sysctl has its first byte only for that. */
	(void)setvbuf(f, buffer, _IOFBF, sizeof(buffer));
	if (fgets(text, sizeof(text), f) != NULL) {
		text[strcspn(text, "\n")] = '\0';
		if (parse_integer(text, &number, NULL) < 0)
			number = -1;
	}
	(void)fclose(f);
	return number;
}

static int64_t read_sysctl(const char *root, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/proc/sys/%s", root, name);
	return read_number(path);
}

static int64_t read_rlimit(int resource)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)resource, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
	    limit.rlim_cur > INT64_MAX)
		return -1;
	return (int64_t)limit.rlim_cur;
}

void limits_narrow(struct limits *limits, int64_t tasks, const char *setting)
{
	if (tasks < 0 || (limits->tasks >= 0 && limits->tasks <= tasks))
		return;
	limits->tasks = tasks;
	(void)snprintf(limits->tasks_set, sizeof(limits->tasks_set), "%s", setting);
}

void limits_read(const char *root, struct limits *limits)
{
	limits->somaxconn = read_sysctl(root, "net/core/somaxconn");
	limits->files = read_rlimit(RLIMIT_NOFILE);
	limits->processes = read_rlimit(RLIMIT_NPROC);
	limits_narrow(limits, read_sysctl(root, "kernel/pid_max"), "the sysctl kernel.pid_max");
	limits_narrow(limits, read_sysctl(root, "kernel/threads-max"), "the sysctl kernel.threads-max");
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && strcmp(text + len - n, end) == 0;
}

/* A group with the name of a unit is systemd's; others are named by their path. */
static void name_setting(const char *mount, const char *group, char *out, size_t size)
{
	const char *last = strrchr(group, '/');

	last = last != NULL ? last + 1 : group;
	if (ends_with(last, ".service") || ends_with(last, ".slice") || ends_with(last, ".scope"))
		(void)snprintf(out, size, "TasksMax= of %.200s", last);
	else
		(void)snprintf(out, size, "pids.max of the control group %.240s%s", mount,
			       *group != '\0' ? group : "/");
}

/*
 * Reads the limit of each group from GROUP up to the mount: a parent may allow less. In a container some groups of the
 * path may be invisible; they are skipped.
 */
static void read_tree(const char *root, const char *mount, char *group, struct limits *limits)
{
	char path[PATH_MAX], setting[sizeof(limits->tasks_set)];
	char *slash;

	if (strstr(group, "/..") != NULL) /* outside the part of the tree that is visible here */
		return;
	for (;;) {
		if (strcmp(group, "/") == 0)
			*group = '\0';
		(void)snprintf(path, sizeof(path), "%s%s%s/pids.max", root, mount, group);
		name_setting(mount, group, setting, sizeof(setting));
		limits_narrow(limits, read_number(path), setting);
		slash = strrchr(group, '/');
		if (slash == NULL)
			return;
		*slash = '\0';
	}
}

/* CONTROLLERS is a list such as "a,pids,b". */
static bool has_pids(const char *controllers)
{
	const char *p = strstr(controllers, "pids");

	return p != NULL && (p == controllers || p[-1] == ',') && (p[4] == '\0' || p[4] == ',');
}

void limits_read_groups(const char *root, struct limits *limits)
{
	char path[PATH_MAX], line[PATH_MAX];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		char *rest = line, *number = strsep(&rest, ":"), *controllers = strsep(&rest, ":");

		if (rest == NULL)
			continue;
		rest[strcspn(rest, "\n")] = '\0';
		if (strcmp(number, "0") == 0 && *controllers == '\0') {
			char again[PATH_MAX];

			(void)snprintf(again, sizeof(again), "%s", rest);
			read_tree(root, "/sys/fs/cgroup", rest, limits);
			read_tree(root, "/sys/fs/cgroup/unified", again, limits);
		} else if (has_pids(controllers)) {
			read_tree(root, "/sys/fs/cgroup/pids", rest, limits);
		}
	}
	if (f != NULL)
		(void)fclose(f);
}
