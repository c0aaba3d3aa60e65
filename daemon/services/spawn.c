/* SPDX-License-Identifier: MIT */
#include "services/spawn.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clone_into.h"
#include "base/err.h"
#include "base/executable.h"
#include "base/fds.h"
#include "base/signals.h"
#include "sandbox/private_pids.h"
#include "sandbox/sandbox.h"

/* The child runs in the memory of the worker: no instrumentation of its stack by a sanitizer. */
#if defined(__clang__) || defined(__SANITIZE_ADDRESS__)
#define NO_SANITIZER __attribute__((no_sanitize("address", "undefined")))
#else
#define NO_SANITIZER
#endif

static int changed_signals[64];
static size_t n_changed;

/* For the child until execve(2). The worker is suspended meanwhile (CLONE_VFORK), so there is one child at a time. */
static alignas(16) char child_stack[16384];

struct child {
	const struct spawn *spawn;
	pid_t parent;
	int failure;	 /* errno of the step that failed, written by the child */
	const char *key; /* of the step of the sandbox that failed; NULL: another one */
};

void spawn_init(void)
{
	n_changed = 0;
	for (int sig = 1; sig <= SIGRTMAX && n_changed < 64; sig++) {
		struct sigaction action;

		if (sigaction(sig, NULL, &action) == 0 && !signals_is_harmless(&action))
			changed_signals[n_changed++] = sig;
	}
}

NO_SANITIZER static int become_program(void *arg)
{
	struct child *child = arg;
	const struct spawn *spawn = child->spawn;
	struct sigaction action = {.sa_handler = SIG_DFL};
	int keep = sandbox_descriptor();
	sigset_t none;

	for (size_t i = 0; i < n_changed; i++)
		(void)sigaction(changed_signals[i], &action, NULL);
	if (child_bind(child->parent, SIGKILL) < 0)
		goto fail;
	if (spawn->group_procs >= 0 && write(spawn->group_procs, "0", 1) < 0)
		goto fail;
	if (dup2(spawn->socket, 0) < 0 || dup2(spawn->socket, 1) < 0 || dup2(spawn->errors, 2) < 0)
		goto fail;
	if (fds_close_except(&keep, 1) < 0)
		goto fail;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (sandbox_enter_program(&child->key) < 0)
		goto fail;
	child->key = NULL;
	(void)execve(spawn->path, spawn->argv, spawn->envp);
fail:
	child->failure = errno;
	_exit(127);
}

static pid_t clone_child(struct child *child, int *pidfd_out)
{
	if (child->spawn->group >= 0)
		return clone_into(child->spawn->group, become_program, child, child_stack, sizeof(child_stack),
				  pidfd_out);
	return clone(become_program, child_stack + sizeof(child_stack), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
		     child, pidfd_out);
}

pid_t spawn_program(const struct spawn *spawn, int *pidfd_out, struct err *err)
{
	/* a child in another pid namespace sees no parent: 0 */
	struct child child = {.spawn = spawn, .parent = private_pids_are_made() ? 0 : getpid()};
	pid_t pid;

	pid = clone_child(&child, pidfd_out);
	if (pid < 0 && private_pids_are_lost())
		return err_set(err, "cannot start %s: the first process of its pid namespace was ended",
			       spawn->argv[0]);
	if (pid < 0)
		return err_sys(err, "cannot start %s", spawn->path);
	if (child.failure == 0)
		return pid;
	(void)waitpid(pid, NULL, 0);
	(void)close(*pidfd_out);
	*pidfd_out = -1;
	if (child.key != NULL)
		return err_code(err, child.failure, "%s: cannot start %s", child.key, spawn->path);
	return executable_explain(spawn->path, child.failure, err);
}
