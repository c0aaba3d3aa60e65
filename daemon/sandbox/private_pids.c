/* SPDX-License-Identifier: MIT */
#include "sandbox/private_pids.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/proc_folder.h"
#include "sandbox/pid_init.h"
#include "sandbox/state.h"

static pid_t init;	    /* 0: there is none */
static int channel = -1;    /* to it */
static int orphans_fd = -1; /* the list of its children in /proc */

/* The next packet of the first process; false: it has ended, or LIMIT_MS have passed. */
static bool read_answer(int64_t limit_ms, struct pid_init_answer *out)
{
	struct pollfd p = {.fd = channel, .events = POLLIN};
	int64_t end = clock_ms() + limit_ms, rest;
	int n;

	do {
		rest = end - clock_ms();
		n = poll(&p, 1, rest > 0 ? (int)rest : 0);
	} while (n < 0 && errno == EINTR);
	return n == 1 && recv(channel, out, sizeof(*out), MSG_DONTWAIT) == sizeof(*out);
}

static int open_orphans(struct err *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%d/task/%d/children", (int)init, (int)init);
	orphans_fd = fd_above_stdio(proc_folder_open(path, O_RDONLY), err);
	if (orphans_fd < 0)
		return err_set(err, "this kernel does not list the children of a process (CONFIG_PROC_CHILDREN)");
	return 0;
}

/* Its set-up mounts /proc, which may take a moment on a busy host. */
static int wait_for_init(struct err *err)
{
	struct pid_init_answer answer;

	if (!read_answer(60000, &answer))
		return err_set(err, "the first process of a pid namespace has ended, or hangs");
	if (answer.code != 0)
		return err_code(err, answer.code, "cannot set up the first process of a pid namespace (mount /proc)");
	return open_orphans(err);
}

static int start_init(const struct sandbox *sandbox, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "cannot create a pair of sockets");
	init = fork();
	if (init == 0)
		pid_init_run(sandbox, ends[1]);
	fd_close(&ends[1]);
	channel = ends[0];
	if (init < 0) {
		init = 0;
		fd_close(&channel);
		return err_sys(err, "cannot start the first process of a pid namespace");
	}
	return wait_for_init(err);
}

int private_pids_make(struct sandbox *sandbox, struct err *err)
{
	if (unshare(CLONE_NEWPID) < 0)
		return err_sys(err, "cannot make a pid namespace");
	return start_init(sandbox, err);
}

void private_pids_stop(void)
{
	if (init == 0)
		return;
	fd_close(&channel); /* which ends it */
	fd_close(&orphans_fd);
	while (waitpid(init, NULL, 0) < 0 && errno == EINTR)
		;
	init = 0;
}

bool private_pids_are_made(void)
{
	return init != 0;
}

/* Its end of the channel is closed before the kernel kills the others, and long before it can be reaped. */
bool private_pids_are_lost(void)
{
	char byte;
	ssize_t n;

	if (init == 0)
		return false;
	n = recv(channel, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

bool private_pids_have_orphans(void)
{
	char byte;

	return pread(orphans_fd, &byte, 1, 0) != 0;
}

FILE *private_pids_orphans(void)
{
	int fd = fcntl(orphans_fd, F_DUPFD_CLOEXEC, 3);
	FILE *list = fd >= 0 && lseek(fd, 0, SEEK_SET) == 0 ? fdopen(fd, "r") : NULL;

	if (list == NULL)
		fd_close(&fd);
	return list;
}

bool private_pids_end(int64_t limit_ms, unsigned *killed_out)
{
	struct pid_init_answer answer = {.killed = 0};
	bool ended = true;

	if (private_pids_have_orphans())
		ended = send(channel, "k", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 && read_answer(limit_ms, &answer) &&
			!private_pids_have_orphans();
	if (killed_out != NULL)
		*killed_out = answer.killed;
	return ended;
}
