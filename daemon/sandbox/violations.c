/* SPDX-License-Identifier: MIT */
#include "sandbox/violations.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/syscall_name.h"
#include "board/board.h"

static int listener = -1;
static struct board_slot *noted; /* for the handler of SIGSYS */

void violations_listen(int fd)
{
	listener = fd;
}

int violations_fd(void)
{
	return listener;
}

bool violations_take(struct violation *out)
{
	struct seccomp_notif request = {.id = 0};
	struct seccomp_notif_resp answer = {.error = -EPERM};

	/* Readable means that at least one call can be received at once, even if its process is killed meanwhile: then
	 * ENOENT. This process is the only reader. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
		return false;
	answer.id = request.id;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer); /* its process may be gone */
	*out = (struct violation){.pid = (pid_t)request.pid, .machine = request.data.arch, .call = request.data.nr};
	return true;
}

const char *violations_name(uint32_t machine, int call, char *out, size_t size)
{
	if (!syscall_name_on(machine, call, out, size))
		(void)snprintf(out, size, "number %d", call);
	return out;
}

const char *violations_name_own(int call, char *out, size_t size)
{
	return violations_name(seccomp_arch_native(), call, out, size);
}

/* The disposition is the default one again, and the signal is not blocked (sigaction(2)'s flags): it ends the process.
 */
static void on_forbidden(int sig, siginfo_t *info, void *context)
{
	(void)context;
	atomic_store_explicit(&noted->last_call, (uint32_t)info->si_syscall + 1, memory_order_relaxed);
	board_count(&noted->violations, 1);
	(void)raise(sig);
}

int violations_note_last(struct board_slot *slot)
{
	const struct sigaction action = {.sa_sigaction = on_forbidden,
					 .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER};

	noted = slot;
	return sigaction(SIGSYS, &action, NULL);
}
