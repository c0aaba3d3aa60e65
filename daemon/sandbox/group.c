/* SPDX-License-Identifier: MIT */
#include "sandbox/group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/err.h"
#include "base/fds.h"
#include "sandbox/group_lacks.h"
#include "sandbox/state.h"

static int service_group = -1; /* until it has been entered */

/* Descriptors of the worker's own group. They were opened with the master's rights, which the kernel asks for. */
static struct {
	int dir, procs, kill, events;
	int memory;	 /* memory.events; -1: the kernel does not count the group's memory */
	bool by_writing; /* see group_place() */
	int64_t oom_kills;
} own = {.dir = -1, .procs = -1, .kill = -1, .events = -1, .memory = -1};

void group_give(int service)
{
	service_group = service;
}

/*
 * The user of the programs may put them there, because clone3(2) asks for that right when it is called. A program can
 * go nowhere else with it: the groups beside its own belong to root, and the service's own group takes no processes as
 * long as the controller of memory is at work below it.
 */
static void let_user_enter(const struct sandbox *sandbox)
{
	const struct identity *who = &sandbox->service->identity;

	if (!who->set || who->uid == geteuid())
		return;
	if (!cgroup_has_word(service_group, "cgroup.subtree_control", "memory") ||
	    fchownat(service_group, "cgroup.procs", who->uid, (gid_t)-1, 0) < 0 ||
	    fchownat(own.dir, "cgroup.procs", who->uid, (gid_t)-1, 0) < 0)
		own.by_writing = true;
}

static int open_files(struct err *err)
{
	own.procs = openat(own.dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	own.kill = openat(own.dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	own.events = openat(own.dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	own.memory = openat(own.dir, "memory.events", O_RDONLY | O_CLOEXEC);
	if (own.procs < 0 || own.kill < 0 || own.events < 0)
		return err_sys(err, "cannot open the files of the control group");
	return 0;
}

/* The group is named by the pid, so that the master knows whose it is. One that is there already belongs to a process
 * that has ended, and the master has not removed it yet. */
static int make_own(struct err *err)
{
	int programs = openat(service_group, "programs", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool made = true;
	char name[16];

	if (programs < 0)
		return err_sys(err, "cannot open the control group of the service");
	(void)snprintf(name, sizeof(name), "%d", (int)getpid());
	own.dir = cgroup_make(programs, name, &made, err);
	fd_close(&programs);
	if (own.dir < 0 || open_files(err) < 0)
		return -1;
	if (!made)
		group_kill();
	(void)cgroup_write(own.dir, "memory.oom.group", "1", NULL); /* there is none without the controller */
	return 0;
}

static void close_all(void)
{
	fd_close(&own.dir);
	fd_close(&own.procs);
	fd_close(&own.kill);
	fd_close(&own.events);
	fd_close(&own.memory);
}

static int enter_group(const struct sandbox *sandbox, struct err *err)
{
	int workers;
	int rc;

	if (make_own(err) < 0)
		return -1;
	if (sandbox->service->program.runs) /* this process is the program */
		return cgroup_write(own.dir, "cgroup.procs", "0", err);
	workers = openat(service_group, "workers", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (workers < 0)
		return err_sys(err, "cannot open the control group of the workers");
	rc = cgroup_write(workers, "cgroup.procs", "0", err);
	fd_close(&workers);
	let_user_enter(sandbox);
	return rc;
}

int group_enter(struct sandbox *sandbox, struct err *err)
{
	bool must = group_lacks_nothing(sandbox->service);
	int rc;

	if (service_group < 0)
		return must ? err_set(err, "the service has none, and its programs are to be limited") : 0;
	rc = enter_group(sandbox, err);
	if (rc < 0 || sandbox->service->program.runs)
		close_all();
	fd_close(&service_group);
	return must ? rc : 0;
}

void group_place(int *dir_out, int *procs_out)
{
	*dir_out = own.by_writing ? -1 : own.dir;
	*procs_out = own.by_writing ? own.procs : -1;
}

void group_without_clone(void)
{
	own.by_writing = true;
}

bool group_is_populated(void)
{
	char text[128];
	ssize_t n;

	if (own.events < 0)
		return false;
	n = pread(own.events, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return cgroup_event(text, "populated") != 0;
}

void group_kill(void)
{
	(void)!write(own.kill, "1", 1);
	/* Some kernels (6.18) take a process that clone3(2) puts into a group that was killed before for one that has
	 * escaped from it, and kill it. */
	own.by_writing = true;
}

int64_t group_oom_kills(void)
{
	int64_t kills, before = own.oom_kills;
	char text[512];
	ssize_t n;

	if (own.memory < 0)
		return 0;
	n = pread(own.memory, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	kills = cgroup_event(text, "oom_kill");
	if (kills > before)
		own.oom_kills = kills;
	return own.oom_kills - before;
}
