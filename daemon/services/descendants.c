/* SPDX-License-Identifier: MIT */
#include "services/descendants.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/children.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/signals.h"

#define NAP_MS	    10 /* between two looks at who is left, if nobody dies before */
#define BURIALS_MAX 64 /* at once: the program's limits are watched in between */

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
		log_msg(LOG_DEBUG, "what programs leave behind goes to the master: no list of children");
		return;
	}
	(void)fclose(f);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		log_msg(LOG_DEBUG, "what programs leave behind goes to the master: no subreaper");
	signals_handle(SIGCHLD, on_death);
}

void descendants_bury(pid_t program)
{
	if (!died)
		return;
	died = 0;
	for (int i = 0; i < BURIALS_MAX; i++) {
		siginfo_t info = {.si_pid = 0};

		/* a look first: its number must stay the program's until its whole group has been ended */
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0 ||
		    info.si_pid == program)
			return;
		(void)waitpid(info.si_pid, NULL, WNOHANG);
	}
	died = 1;
}

bool descendants_has_others(pid_t program)
{
	FILE *f = children_open();
	bool has = false;
	int pid;

	if (f == NULL)
		return false;
	while (!has && fscanf(f, "%d", &pid) == 1)
		has = pid != program;
	(void)fclose(f);
	return has;
}

/* Buries the dead. Says whether anybody is left. */
static bool bury_all(int64_t end)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG);
	while ((pid > 0 && clock_ms() < end) || (pid < 0 && errno == EINTR));
	return pid >= 0;
}

/* They are our children, so nobody else can have got their numbers meanwhile. */
static void kill_all(void)
{
	FILE *f = children_open();
	int pid;

	if (f == NULL)
		return;
	while (fscanf(f, "%d", &pid) == 1)
		(void)kill(pid, SIGKILL);
	(void)fclose(f);
}

bool descendants_end(void)
{
	const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
	int64_t end = 0;
	sigset_t child;

	/* the usual case: one call, and nobody there */
	if (waitpid(-1, NULL, WNOHANG) < 0)
		return true;
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	end = clock_ms() + DESCENDANTS_END_MS;
	while (bury_all(end)) {
		if (clock_ms() >= end)
			return false;
		/* what is killed leaves children of its own to us, so again and again */
		kill_all();
		(void)sigtimedwait(&child, NULL, &nap);
	}
	return true;
}
