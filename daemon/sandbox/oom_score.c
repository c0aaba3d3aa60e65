/* SPDX-License-Identifier: MIT */
#include "sandbox/oom_score.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/dumpable.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/proc_folder.h"

/* As long as nobody may look into this process, its files in /proc belong to root. */
static int open_score(void)
{
	static const char path[] = "self/oom_score_adj";
	int fd = proc_folder_open(path, O_RDWR);
	struct err err;

	if (fd >= 0 || errno != EACCES || dumpable_set(true, &err) < 0)
		return fd;
	fd = proc_folder_open(path, O_RDWR);
	(void)dumpable_set(false, &err); /* again, and with a check, in no_new_privileges.c */
	return fd;
}

int oom_score_raise(struct sandbox *sandbox, struct err *err)
{
	int fd = open_score();
	char text[16] = "";
	long score;
	int len;

	(void)sandbox;
	(void)err;
	if (fd < 0)
		return 0;
	/* no stdio: its buffers would cost each worker pages of its own */
	if (read(fd, text, sizeof(text) - 1) > 0 && lseek(fd, 0, SEEK_SET) == 0) {
		score = strtol(text, NULL, 10) + 100;
		len = snprintf(text, sizeof(text), "%ld", score > 1000 ? 1000 : score);
		(void)!write(fd, text, (size_t)len);
	}
	fd_close(&fd);
	return 0;
}
