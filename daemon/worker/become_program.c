/* SPDX-License-Identifier: MIT */
#include "worker/become_program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/err.h"
#include "base/executable.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/signals.h"
#include "config/config.h"
#include "sandbox/group.h"
#include "sandbox/sandbox.h"
#include "services/exec_env.h"
#include "worker/contract.h"
#include "worker/params.h"

static bool is_quiet;

/* The standard error of this process is read by the master already. */
_Noreturn static void give_up(const char *text)
{
	if (!is_quiet)
		(void)dprintf(STDERR_FILENO, "%s\n", text);
	_exit(WORKER_EXIT_SETUP);
}

_Noreturn static void give_up_with_errno(const char *what)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
	give_up(text);
}

/* Puts the descriptors in their places, the listener on PLACE. OUTPUT comes first, and LISTENER is above 2, so that
 * neither is overwritten before it is copied. Returns what has become of GROUP, which is -1 or above 2, too. */
static int put_descriptors(int listener, int place, int output, int group)
{
	int keep[] = {place, group >= 0 ? fcntl(group, F_DUPFD_CLOEXEC, place > 2 ? place + 1 : 3) : -1};
	struct err err;

	group = keep[1];
	if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(WORKER_EXIT_SETUP);
	if (place != STDIN_FILENO && fd_null(STDIN_FILENO, &err) < 0)
		give_up(err.text);
	if (listener != place && dup2(listener, place) < 0)
		give_up_with_errno("program.listener_fd: cannot put the listener there");
	if (fcntl(place, F_SETFD, 0) < 0)
		give_up_with_errno("cannot keep the listener");
	if (fds_close_except(keep, 2) < 0)
		give_up_with_errno("cannot close the other descriptors");
	return group;
}

/* Default actions, and not the empty handlers that workers have: an order to stop that comes before execve(2) must end
 * the process, and not be lost. */
static void reset_signals(void)
{
	const struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;

	signals_harmless(); /* for those that only it can reset */
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		(void)sigaction(sig, &standard, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void become_program(const struct worker_params *params)
{
	int keep[] = {params->listener, params->output, params->group};
	const struct config_service *service;
	const char *key;
	struct err err;
	char **env;

	is_quiet = params->quiet;
	log_echo(-1);
	if (fds_close_except(keep, sizeof(keep) / sizeof(keep[0])) < 0) {
		(void)dprintf(params->output, "cannot close the descriptors of the master: %s\n", strerror(errno));
		_exit(WORKER_EXIT_SETUP);
	}
	group_give(put_descriptors(params->listener, (int)params->service->program.listener_fd, params->output,
				   params->group));
	service = sandbox_find_user(params->service, &err);
	if (service == NULL || sandbox_enter(service, &err) < 0 || sandbox_close(NULL, &err) < 0)
		give_up(err.text);
	/* After the change of user, which clears the signal of the parent's death. */
	if (child_bind(params->master, SIGKILL) < 0)
		_exit(WORKER_EXIT_DONE);
	env = exec_env_listening(service, params->notify);
	reset_signals();
	if (sandbox_enter_program(&key) < 0)
		give_up_with_errno(key);
	(void)execve(service->command[0], service->program.argv, env);
	(void)executable_explain(service->command[0], errno, &err);
	give_up(err.text);
}
