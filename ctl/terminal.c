/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_is(int fd)
{
	return isatty(fd) == 1;
}

void terminal_size(int fd, unsigned *columns_out, unsigned *lines_out)
{
	struct winsize size = {.ws_col = 0};

	if (ioctl(fd, TIOCGWINSZ, &size) < 0)
		size.ws_col = size.ws_row = 0;
	*columns_out = size.ws_col > 0 ? size.ws_col : 80;
	*lines_out = size.ws_row > 0 ? size.ws_row : 24;
}

bool terminal_colors(int fd)
{
	const char *refused = getenv("NO_COLOR"), *term = getenv("TERM");

	return terminal_is(fd) && (refused == NULL || refused[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}
