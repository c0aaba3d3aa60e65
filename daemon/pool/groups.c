/* SPDX-License-Identifier: MIT */
#include "pool/groups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <preforkd/module.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "config/config.h"
#include "pool/group_limits.h"
#include "pool/pool.h"
#include "sandbox/group_lacks.h"

#define PREFIX	  "svc-"
#define OWN	  "daemon"
#define MOVES_MAX 8 /* a process of the unit may fork while it is being moved */
#define NAP_MS	  10

static const char *const controllers[] = {"memory", "pids"};
#define N_CONTROLLERS (sizeof(controllers) / sizeof(controllers[0]))

static int top = -1; /* the folder of the part that was left to the daemon */
static bool due;
static char missing[640]; /* why there are no groups */

/* ---- the tree ---- */

/* Moves all processes of the top folder into OWN: a group has processes or groups below it that are counted. */
static int move_processes(int own, struct err *err)
{
	char text[4096], *rest, *pid;

	for (int i = 0; i < MOVES_MAX; i++) {
		if (cgroup_read(top, "cgroup.procs", text, sizeof(text)) <= 0)
			return 0;
		rest = text;
		while ((pid = strsep(&rest, "\n")) != NULL)
			if (*pid != '\0' && cgroup_write(own, "cgroup.procs", pid, err) < 0 && err->code != ESRCH)
				return -1;
	}
	return 0;
}

/* Has the group DIR count and limit the groups in it, as far as the kernel does so at all. */
static void enable_controllers(int dir)
{
	char word[32];

	for (size_t i = 0; i < N_CONTROLLERS; i++) {
		(void)snprintf(word, sizeof(word), "+%s", controllers[i]);
		if (cgroup_has_word(dir, "cgroup.controllers", controllers[i]) &&
		    !cgroup_has_word(dir, "cgroup.subtree_control", controllers[i]))
			(void)cgroup_write(dir, "cgroup.subtree_control", word, NULL);
	}
}

static int enter_own(struct err *err)
{
	int own = cgroup_make(top, OWN, NULL, err), rc;

	if (own < 0)
		return -1;
	rc = faccessat(own, "cgroup.kill", W_OK, AT_EACCESS);
	if (rc < 0)
		(void)err_sys(err, "cgroup.kill of the control group cannot be written (Linux 5.14 has it)");
	else
		rc = move_processes(own, err);
	fd_close(&own);
	return rc;
}

/* PATH is this process's own group, and becomes the top folder: it was left to us, or the one above it was, and the
 * image before this one, or the service manager, has put us into a group in there. */
static int find_top(char *path, struct err *err)
{
	char above[PATH_MAX];
	char *slash;

	if (cgroup_find("", path, PATH_MAX, err) < 0)
		return -1;
	if (cgroup_is_delegated(path))
		return 0;
	(void)snprintf(above, sizeof(above), "%s", path);
	slash = strrchr(above, '/');
	if (slash != NULL && slash != above) {
		*slash = '\0';
		if (cgroup_is_delegated(above)) {
			(void)snprintf(path, PATH_MAX, "%s", above);
			return 0;
		}
	}
	return err_set(err, "the unit does not have Delegate=yes");
}

static int open_top(struct err *err)
{
	char path[PATH_MAX];

	if (find_top(path, err) < 0)
		return -1;
	top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return err_sys(err, "cannot open %.300s", path);
	if (enter_own(err) < 0) {
		fd_close(&top);
		return -1;
	}
	return 0;
}

static bool have(const char *controller)
{
	return cgroup_has_word(top, "cgroup.subtree_control", controller);
}

void groups_begin(int folder)
{
	top = folder;
	enable_controllers(top);
	group_lacks_set(NULL, have("memory"), have("pids"));
	due = true; /* a master that was killed may have left some */
}

void groups_open(void)
{
	struct err err = {.code = 0};

	if (open_top(&err) < 0) {
		(void)snprintf(missing, sizeof(missing), "%s%s", err.text,
			       err.code == EROFS ? " (ProtectControlGroups=no of the unit allows it)" : "");
		group_lacks_set(missing, false, false);
		log_msg(LOG_DEBUG, "programs have no control groups of their own: %s", missing);
		return;
	}
	groups_begin(top);
}

/* ---- services ---- */

static int open_programs(const char *service)
{
	char path[320];

	if (top < 0)
		return -1;
	(void)snprintf(path, sizeof(path), PREFIX "%s/programs", service);
	return openat(top, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The groups of workers and programs in SERVICE. */
static int make_parts(int service, const struct config_limits *limits, struct err *err)
{
	bool made;
	int programs = cgroup_make(service, "programs", &made, err), workers, rc = 0;

	if (programs < 0)
		return -1;
	enable_controllers(programs);
	if (made)
		rc = group_limits_write(programs, limits, err);
	fd_close(&programs);
	if (rc < 0) {
		(void)unlinkat(service, "programs", AT_REMOVEDIR); /* or it would be there without limits next time */
		return -1;
	}
	workers = cgroup_make(service, "workers", NULL, err);
	rc = workers >= 0 ? 0 : -1;
	fd_close(&workers);
	return rc;
}

static int make_service(const struct config_service *service, struct err *err)
{
	char folder[300];
	int fd;

	(void)snprintf(folder, sizeof(folder), PREFIX "%s", service->name);
	fd = cgroup_make(top, folder, NULL, err);
	if (fd < 0)
		return -1;
	enable_controllers(fd);
	if (make_parts(fd, &service->limits, err) < 0)
		fd_close(&fd);
	return fd;
}

int groups_make(const struct config_service *service)
{
	struct log_about about = {.service = service->name};
	static struct log_limit limit;
	struct err err;
	unsigned missed;
	int group;

	if (top < 0 || (service->handler->flags & PREFORKD_COMMAND) == 0)
		return -1;
	group = make_service(service, &err);
	if (group < 0 && log_limit(&limit, &missed))
		log_about(LOG_WARNING, &about, "no control group for its programs: %s", err.text);
	return group;
}

void groups_limit(const struct config_service *service)
{
	struct log_about about = {.service = service->name};
	int programs = open_programs(service->name);
	struct err err;

	if (programs < 0)
		return;
	if (group_limits_write(programs, &service->limits, &err) < 0 && group_lacks_nothing(service))
		log_about(LOG_ERR, &about, "the limits of its programs stay as they were: %s", err.text);
	fd_close(&programs);
}

bool groups_look(const char *name, struct group_use *out)
{
	int programs = open_programs(name);

	if (programs < 0)
		return false;
	group_limits_read(programs, out);
	fd_close(&programs);
	return true;
}

bool groups_ran_out(const struct config_service *service, pid_t pid)
{
	int programs = open_programs(service->name);
	char path[64], text[512];

	if (programs < 0)
		return false;
	(void)snprintf(path, sizeof(path), "%d/memory.events", (int)pid);
	(void)cgroup_read(programs, path, text, sizeof(text));
	fd_close(&programs);
	return cgroup_event(text, "oom_kill") > 0;
}

void groups_left(const struct config_service *service, pid_t pid)
{
	int programs = open_programs(service->name);
	char name[16];

	if (programs < 0)
		return;
	(void)snprintf(name, sizeof(name), "%d", (int)pid);
	(void)cgroup_end(programs, name);
	fd_close(&programs);
	due = true; /* it may not be over yet, and the service may not be needed any more */
}

bool groups_are_due(void)
{
	return due;
}

/* ---- removing ---- */

/* Calls EACH with the name of every group in DIR. */
static void for_each(int dir, void (*each)(int dir, const char *name, void *userdata), void *userdata)
{
	int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = again >= 0 ? fdopendir(again) : NULL;
	const struct dirent *entry;

	if (stream == NULL) {
		fd_close(&again);
		return;
	}
	while ((entry = readdir(stream)) != NULL)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			each(dir, entry->d_name, userdata);
	(void)closedir(stream);
}

static bool has_process(struct proc *by_pid, const char *service)
{
	struct proc *proc, *next;

	HASH_ITER (by_pid, by_pid, proc, next)
		if (strcmp(proc->pool->service->name, service) == 0)
			return true;
	return false;
}

static void sweep_program(int dir, const char *name, void *userdata)
{
	pid_t pid = (pid_t)strtol(name, NULL, 10);
	struct proc *by_pid = userdata, *proc;

	HASH_FIND(by_pid, by_pid, &pid, sizeof(pid), proc);
	if (proc == NULL && !cgroup_end(dir, name))
		due = true;
}

static void remove_service(int dir, const char *name, int service)
{
	if ((unlinkat(service, "programs", AT_REMOVEDIR) < 0 && errno != ENOENT) ||
	    (unlinkat(service, "workers", AT_REMOVEDIR) < 0 && errno != ENOENT) ||
	    (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT))
		due = true;
}

static void sweep_service(int dir, const char *name, void *userdata)
{
	int service, programs;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return;
	service = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	programs = service >= 0 ? openat(service, "programs", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	if (programs >= 0)
		for_each(programs, sweep_program, userdata);
	fd_close(&programs);
	if (service >= 0 && !has_process(userdata, name + strlen(PREFIX)))
		remove_service(dir, name, service);
	fd_close(&service);
}

void groups_sweep(struct proc *by_pid)
{
	due = false;
	if (top >= 0)
		for_each(top, sweep_service, by_pid);
}

void groups_close(void)
{
	const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};

	if (top < 0)
		return;
	due = true;
	for (int i = 0; due && i < GROUPS_CLOSE_MS / NAP_MS; i++) {
		groups_sweep(NULL);
		if (due)
			(void)nanosleep(&nap, NULL);
	}
	/* This process goes back to where it came from, which takes no processes while it has controllers. */
	(void)cgroup_write(top, "cgroup.subtree_control", "-memory", NULL);
	(void)cgroup_write(top, "cgroup.subtree_control", "-pids", NULL);
	(void)cgroup_write(top, "cgroup.procs", "0", NULL);
	(void)unlinkat(top, OWN, AT_REMOVEDIR);
	fd_close(&top);
}
