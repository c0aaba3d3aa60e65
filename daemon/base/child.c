/* SPDX-License-Identifier: MIT */
#include "base/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The children of OWNER. A process that was forked has a copy of its parent's list, which is not its own. */
static struct {
	pid_t owner;
	pid_t *pids;
	size_t n, room;
} list;

static void drop_foreign_list(void)
{
	pid_t self = getpid();

	if (list.owner == self)
		return;
	list.owner = self;
	list.n = 0;
}

static int make_room(void)
{
	size_t room = list.room > 0 ? 2 * list.room : 8;
	pid_t *pids;

	drop_foreign_list();
	if (list.n < list.room)
		return 0;
	pids = reallocarray(list.pids, room, sizeof(*pids));
	if (pids == NULL)
		return -1;
	list.pids = pids;
	list.room = room;
	return 0;
}

static void forget_child(pid_t pid)
{
	drop_foreign_list();
	for (size_t i = 0; i < list.n; i++) {
		if (list.pids[i] != pid)
			continue;
		list.pids[i] = list.pids[--list.n];
		return;
	}
}

bool child_is_ours(pid_t pid)
{
	drop_foreign_list();
	for (size_t i = 0; i < list.n; i++)
		if (list.pids[i] == pid)
			return true;
	return false;
}

int child_bind(pid_t parent, int sig)
{
	if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, sig) < 0)
		return -1;
	/* A parent that died before the call above sends no signal. */
	if (getppid() == parent)
		return 0;
	errno = ESRCH;
	return -1;
}

pid_t child_fork(void)
{
	pid_t parent = getpid(), pid;

	if (make_room() < 0) {
		errno = ENOMEM;
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		if (child_bind(parent, SIGKILL) < 0)
			_exit(EXIT_FAILURE);
		return 0;
	}
	if (pid > 0)
		list.pids[list.n++] = pid;
	return pid;
}

void child_kill(pid_t pid)
{
	if (child_is_ours(pid))
		child_kill_group(pid);
}

void child_kill_group(pid_t pid)
{
	/* The child first: after that it can fork no more. If it dies before its setsid(2) there is no group yet, and
	 * no other process that could be in it. */
	(void)kill(pid, SIGKILL);
	(void)kill(-pid, SIGKILL);
}

int child_wait(pid_t pid)
{
	siginfo_t info;
	int status = 0;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	child_kill(pid);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	forget_child(pid);
	return status;
}

pid_t child_reap_any(int *status_out, struct rusage *usage_out)
{
	siginfo_t info = {.si_pid = 0};
	pid_t pid;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -1;
	if (info.si_pid == 0)
		return 0;
	child_kill(info.si_pid);
	pid = wait4(info.si_pid, status_out, WNOHANG, usage_out);
	forget_child(info.si_pid);
	return pid;
}
