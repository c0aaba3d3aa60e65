/* SPDX-License-Identifier: MIT */
#include "worker/oom_score.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fds.h"

void oom_score_raise(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char text[16] = "";
	long score;
	int len;

	if (fd < 0)
		return;
	/* no stdio: its buffers would cost each worker pages of its own */
	if (read(fd, text, sizeof(text) - 1) > 0 && lseek(fd, 0, SEEK_SET) == 0) {
		score = strtol(text, NULL, 10) + 100;
		len = snprintf(text, sizeof(text), "%ld", score > 1000 ? 1000 : score);
		(void)!write(fd, text, (size_t)len);
	}
	fd_close(&fd);
}
