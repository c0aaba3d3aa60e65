/* SPDX-License-Identifier: MIT */
/* The yardstick for programs: accept4, vfork, exec of cat with the socket on 0 and 1, waitpid,
 * close; nothing else. */
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "yard.h"

static void run_cat(int fd)
{
	pid_t pid = vfork();

	if (pid == 0) {
		(void)dup2(fd, 0);
		(void)dup2(fd, 1);
		(void)execl("/bin/cat", "cat", (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	(void)close(fd);
}

int main(int argc, char **argv)
{
	yard_run(argc, argv, run_cat);
}
