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

static int taken = -1; /* the memfd, once the environment is cleared */

int handover_env_set(int handover, bool rehearsal, struct err *err)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", handover);
	if (setenv(HANDOVER, number, 1) < 0 || (rehearsal && setenv(REHEARSAL, "1", 1) < 0)) {
		(void)err_sys(err, "cannot name the handover to the new program");
		handover_env_clear();
		return -1;
	}
	(void)fcntl(handover, F_SETFD, 0);
	return 0;
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

int handover_env_in_background(bool *out, struct err *err)
{
	int fd = find_fd();
	json_t *handover = fd >= 0 ? handover_read(fd, getpid(), err) : NULL;

	*out = handover != NULL && handover_head(handover).background;
	json_decref(handover);
	return fd >= 0 && handover == NULL ? -1 : 0;
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
	taken = fd;
	*out = handover_read(fd, getpid(), err);
	return *out != NULL ? 0 : -1;
}

int handover_env_fd(void)
{
	return handover_env_is_upgrade() ? find_fd() : taken;
}

void handover_env_done(void)
{
	fd_close(&taken);
}
