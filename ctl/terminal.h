/* SPDX-License-Identifier: MIT */
/* preforkctl. Properties of a terminal; nothing here changes one. */
#ifndef PREFORKD_CTL_TERMINAL_H
#define PREFORKD_CTL_TERMINAL_H

#include <stdbool.h>

bool terminal_is(int fd);

/* Columns and lines of the terminal; 80 and 24 if FD does not tell. */
void terminal_size(int fd, unsigned *columns_out, unsigned *lines_out);

/* May output to FD have colours? No with NO_COLOR, on a dumb terminal, and in a file. */
bool terminal_colors(int fd);

#endif
