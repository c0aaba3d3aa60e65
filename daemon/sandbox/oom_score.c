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
#include "sandbox/state.h"

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

/* No stdio in these two: its buffers would cost each worker pages of its own. */
static int read_score(int fd, long *out)
{
	char text[16] = "";

	if (lseek(fd, 0, SEEK_SET) < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	*out = strtol(text, NULL, 10);
	return 0;
}

static int write_score(int fd, long score)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%ld", score > 1000 ? 1000 : score);

	return lseek(fd, 0, SEEK_SET) < 0 || write(fd, text, (size_t)len) != len ? -1 : 0;
}

static int set_score(int fd, int64_t wanted, struct err *err)
{
	long now = 0;

	if (fd < 0 || read_score(fd, &now) < 0)
		return err_sys(err, "cannot open /proc/self/oom_score_adj");
	if (write_score(fd, (long)wanted) < 0)
		return err_sys(err, "cannot change %ld to %ld%s", now, (long)wanted,
			       wanted < now ? ", which needs CAP_SYS_RESOURCE" : "");
	if (read_score(fd, &now) < 0 || now != wanted)
		return err_set(err, "the score is not %ld", (long)wanted);
	return 0;
}

int oom_score_set(struct sandbox *sandbox, struct err *err)
{
	int64_t wanted = sandbox->service->program.oom_score_adjust;
	int fd = open_score(), rc = 0;
	long score;

	if (wanted != CONFIG_UNSET)
		rc = set_score(fd, wanted, err);
	else if (fd >= 0 && read_score(fd, &score) == 0)
		(void)write_score(fd, score + 100);
	fd_close(&fd);
	return rc;
}
