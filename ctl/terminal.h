/* SPDX-License-Identifier: MIT */
/* What can be known of a terminal without changing it. */
#ifndef PREFORKD_CTL_TERMINAL_H
#define PREFORKD_CTL_TERMINAL_H

#include <stdbool.h>

bool terminal_is(int fd);

/* Columns and lines; 80 by 24 where the terminal does not say. */
void terminal_size(int fd, unsigned *columns_out, unsigned *lines_out);

/* Are colours wanted there? Not beside NO_COLOR, on a dumb terminal, or in a file. */
bool terminal_colors(int fd);

#endif
