/* SPDX-License-Identifier: MIT */
#include "sandbox/pid_init.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/signals.h"
#include "base/title.h"
#include "sandbox/no_new_privileges.h"
#include "sandbox/state.h"
#include "sandbox/user.h"

static void on_death(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
}

/* It must be able to end programs that have become other users. */
static int keep_only_kill(struct err *err)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	data[CAP_TO_INDEX(CAP_KILL)].permitted = CAP_TO_MASK(CAP_KILL);
	data[CAP_TO_INDEX(CAP_KILL)].effective = CAP_TO_MASK(CAP_KILL);
	if (syscall(SYS_capset, &head, data) == 0)
		return 0;
	data[CAP_TO_INDEX(CAP_KILL)] = (struct __user_cap_data_struct){0}; /* the master may lack it */
	return syscall(SYS_capset, &head, data) == 0 ? 0 : err_sys(err, "capset");
}

static int become_user(struct sandbox *sandbox, struct err *err)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(err, "PR_SET_KEEPCAPS");
	if (!sandbox->without_rights && !sandbox->service->identity.pending && user_take(sandbox, err) < 0)
		return -1;
	if (keep_only_kill(err) < 0)
		return -1;
	return no_new_privileges_set(sandbox, err);
}

static int set_up(const struct sandbox *sandbox, int channel, struct err *err)
{
	struct sandbox own = *sandbox;
	int keep[] = {channel};

	title_prefix(sandbox->service->name);
	title_rest("[init]");
	if (fds_close_except(keep, 1) < 0)
		return err_sys(err, "cannot close the descriptors of the worker");
	for (int fd = 0; fd <= 2; fd++)
		if (fd_null(fd, err) < 0 && (!sandbox->has_root || dup2(channel, fd) < 0)) /* without /dev/null */
			return -1;
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 &&
	    (errno != ENOENT || !sandbox->has_root)) /* a root folder may have no place for it */
		return err_sys(err, "cannot mount /proc");
	if (chdir("/") < 0)
		return err_sys(err, "cannot enter /");
	return become_user(&own, err);
}

/* After the change of user, which clears it. If the worker has died already the channel says so. */
static void die_with_worker(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static void answer(int channel, int code, unsigned killed)
{
	const struct pid_init_answer answer = {.code = code, .killed = killed};

	if (send(channel, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
		_exit(EXIT_SUCCESS); /* there is no worker any more */
}

/* Reaps until there is no child (HOW 0), or no dead one (WNOHANG). Returns how many had been killed. */
static unsigned reap(int how)
{
	unsigned killed = 0;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, how)) > 0 || (pid < 0 && errno == EINTR))
		if (pid > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			killed++;
	return killed;
}

/* kill(2) of -1 spares this process. Children of the killed become ours, and are killed with them. */
static unsigned kill_all(void)
{
	unsigned killed = 0;

	while (kill(-1, SIGKILL) == 0)
		killed += reap(0);
	return killed + reap(0);
}

/* An order, or the end of the worker, has come, or children have died. */
static void serve(int channel)
{
	char order;
	ssize_t n = recv(channel, &order, sizeof(order), MSG_DONTWAIT);

	if (n > 0)
		answer(channel, 0, kill_all());
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		_exit(EXIT_SUCCESS);
	(void)reap(WNOHANG);
}

_Noreturn void pid_init_run(const struct sandbox *sandbox, int channel)
{
	struct pollfd p = {.fd = channel, .events = POLLIN};
	struct err err;
	sigset_t all, open;
	int rc;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	open = all;
	(void)sigdelset(&open, SIGCHLD);
	signals_handle(SIGCHLD, on_death);
	rc = set_up(sandbox, channel, &err);
	die_with_worker();
	answer(channel, rc < 0 ? (err.code != 0 ? err.code : EIO) : 0, 0);
	if (rc < 0)
		_exit(EXIT_FAILURE);
	for (;;) {
		(void)ppoll(&p, 1, NULL, &open);
		serve(channel);
	}
}
