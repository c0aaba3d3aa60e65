/* SPDX-License-Identifier: MIT */
#include "upgrade/retry.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/notify.h"
#include "base/signals.h"
#include "upgrade/handover.h"
#include "upgrade/handover_env.h"

#define RETRY_MS 500
#define OURSELF	 "/proc/self/exe" /* the file of the program may be another one by now */

int retry_wait(int ms, const char *why)
{
	const struct timespec nap = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	sigset_t stop;

	notify_send("WATCHDOG=1\nSTATUS=upgrading: %s", why);
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTERM);
	(void)sigaddset(&stop, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &stop, NULL); /* the image before has blocked them, too: none is lost */
	return sigtimedwait(&stop, NULL, &nap) < 0 ? 0 : -1;
}

static void execute_again(int fd, const json_t *handover, char **argv)
{
	sigset_t before;

	if (handover_env_set(fd, false, NULL) < 0)
		return;
	handover_keep(handover, true);
	signals_block_all(&before);
	(void)execve(OURSELF, argv, environ);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	handover_keep(handover, false);
}

void retry_start(char **argv)
{
	int fd = handover_env_fd();

	while (fd >= 0 && retry_wait(RETRY_MS, "the new program cannot start yet; trying again") == 0) {
		struct err err = {.code = 0};
		json_t *handover = handover_read(fd, getpid(), &err);

		if (handover == NULL && err.code != ENOMEM)
			return;
		if (handover != NULL)
			execute_again(fd, handover, argv);
		json_decref(handover);
	}
}
