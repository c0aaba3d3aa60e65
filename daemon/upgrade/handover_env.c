/* SPDX-License-Identifier: MIT */
#include "upgrade/handover_env.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/parse.h"
#include "upgrade/handover.h"

#define HANDOVER  "PREFORKD_HANDOVER"
#define REHEARSAL "PREFORKD_REHEARSAL"

void handover_env_set(int handover, bool rehearsal)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", handover);
	(void)setenv(HANDOVER, number, 1);
	if (rehearsal)
		(void)setenv(REHEARSAL, "1", 1);
	(void)fcntl(handover, F_SETFD, 0);
}

void handover_env_clear(void)
{
	(void)unsetenv(HANDOVER);
	(void)unsetenv(REHEARSAL);
}

bool handover_env_is_rehearsal(void)
{
	return getenv(REHEARSAL) != NULL && getenv(HANDOVER) != NULL;
}

bool handover_env_is_upgrade(void)
{
	return getenv(REHEARSAL) == NULL && getenv(HANDOVER) != NULL;
}

/* -1: there is no such descriptor. */
static int find_fd(void)
{
	const char *text = getenv(HANDOVER);
	int64_t number;

	if (text == NULL || parse_integer(text, &number, NULL) < 0 || number < 3 || number > INT_MAX ||
	    fcntl((int)number, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	return (int)number;
}

bool handover_env_in_background(void)
{
	int fd = find_fd();
	json_t *handover = fd >= 0 ? handover_read(fd, getpid(), NULL) : NULL;
	bool background = handover != NULL && handover_head(handover).background;

	json_decref(handover);
	return background;
}

int handover_env_take(json_t **out, struct err *err)
{
	bool is_expected = getenv(HANDOVER) != NULL;
	int fd = find_fd();

	*out = NULL;
	handover_env_clear();
	if (!is_expected)
		return 0;
	if (fd < 0)
		return err_set(err, HANDOVER " is set, but it is not the number of an open descriptor");
	*out = handover_read(fd, getpid(), err);
	fd_close(&fd);
	return *out != NULL ? 0 : -1;
}
