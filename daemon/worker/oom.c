/* SPDX-License-Identifier: MIT */
#include "worker/oom.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fds.h"

void oom_offer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char text[16] = "";
	int score;

	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0 && sscanf(text, "%d", &score) == 1 && lseek(fd, 0, SEEK_SET) == 0)
		(void)dprintf(fd, "%d", score + 100 > 1000 ? 1000 : score + 100);
	fd_close(&fd);
}
