/* SPDX-License-Identifier: MIT */
#include "services/descendants.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/children.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/signals.h"
#include "sandbox/private_pids.h"

#define NAP_MS	 10 /* between two looks at which children are left, unless one dies before */
#define REAP_MAX 64 /* children in one call: the caller watches limits between two calls */

static volatile sig_atomic_t died;

static void on_death(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	died = 1;
}

void descendants_init(void)
{
	FILE *f = children_open();

	if (f == NULL) {
		log_msg(LOG_DEBUG,
			"processes that programs leave behind go to the master: this kernel does not list children");
		return;
	}
	(void)fclose(f);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		log_msg(LOG_DEBUG, "processes that programs leave behind go to the master: %s", strerror(errno));
	signals_handle(SIGCHLD, on_death);
}

void descendants_reap(pid_t program)
{
	if (!died)
		return;
	died = 0;
	for (int i = 0; i < REAP_MAX; i++) {
		siginfo_t info = {.si_pid = 0};

		/* Look first, and leave the program a zombie: its pid must stay taken until its group has been killed.
		 */
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0 ||
		    info.si_pid == program)
			return;
		(void)waitpid(info.si_pid, NULL, WNOHANG);
	}
	died = 1;
}

FILE *descendants_open(void)
{
	return private_pids_are_made() ? private_pids_orphans() : children_open();
}

static bool is_another(pid_t pid, pid_t program)
{
	return pid != program;
}

static bool is_in_group(pid_t pid, pid_t group)
{
	return getpgid(pid) == group;
}

/* Some child, or orphan of a program, is what IS says, compared with OF. */
static bool any_child(bool (*is)(pid_t pid, pid_t of), pid_t of)
{
	FILE *f = descendants_open();
	bool has = false;
	int pid;

	if (f == NULL)
		return false;
	while (!has && fscanf(f, "%d", &pid) == 1)
		has = is(pid, of);
	(void)fclose(f);
	return has;
}

bool descendants_has_others(pid_t program)
{
	return any_child(is_another, program);
}

bool descendants_have_group(pid_t group)
{
	return any_child(is_in_group, group);
}

bool descendants_are_running(void)
{
	siginfo_t info;

	if (private_pids_are_made())
		return private_pids_have_orphans();
	/* A zombie cannot stop any more: waitid(2) reports that there are no children if all of them are zombies. */
	return waitid(P_ALL, 0, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0;
}

/* Reaps the zombies, until END, and counts those that were killed. Returns whether there are children left. */
static bool reap_all(int64_t end, unsigned *killed)
{
	int status;
	pid_t pid;

	do {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			++*killed;
	} while ((pid > 0 && clock_ms() < end) || (pid < 0 && errno == EINTR));
	return pid >= 0;
}

/* Only this process can reap its children, so no other process can have one of these pids meanwhile. */
static void kill_children(void)
{
	FILE *f = children_open();
	int pid;

	if (f == NULL)
		return;
	while (fscanf(f, "%d", &pid) == 1)
		(void)kill(pid, SIGKILL);
	(void)fclose(f);
}

bool descendants_end(unsigned *killed_out)
{
	const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
	int64_t end = clock_ms() + DESCENDANTS_END_MS;
	unsigned killed = 0;
	sigset_t child;

	if (private_pids_are_made())
		return private_pids_end(DESCENDANTS_END_MS, killed_out);
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	while (reap_all(end, &killed)) {
		if (clock_ms() >= end)
			return false;
		/* again and again: the children of a killed process become ours */
		kill_children();
		(void)sigtimedwait(&child, NULL, &nap);
	}
	if (killed_out != NULL)
		*killed_out = killed;
	return true;
}
