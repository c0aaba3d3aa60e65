/* SPDX-License-Identifier: MIT */
#include "base/exit_text.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

void exit_text(int status, char *out, size_t size)
{
	const char *name;

	if (WIFEXITED(status)) {
		(void)snprintf(out, size, "ended with status %d", WEXITSTATUS(status));
		return;
	}
	name = sigabbrev_np(WTERMSIG(status));
	(void)snprintf(out, size, "was killed by signal %d (SIG%s)%s", WTERMSIG(status), name != NULL ? name : "?",
		       WCOREDUMP(status) ? ", core dumped" : "");
}
