/* SPDX-License-Identifier: MIT */
/*
 * The whole terminal, on standard input and output: taken, drawn upon, given back as it was. Plain
 * ANSI sequences; the text that is drawn holds none but those of colours.
 */
#ifndef PREFORKD_CTL_SCREEN_H
#define PREFORKD_CTL_SCREEN_H

#include <stdbool.h>
#include <termios.h>

struct err;

struct screen {
	struct termios before;
	bool taken;
	unsigned columns, lines;
};

/* Takes it, or takes it again after somebody else had it. */
int screen_open(struct screen *screen, struct err *err);

/* Gives it back, if it is taken. */
void screen_close(struct screen *screen);

/* The terminal may have another size now. */
void screen_measure(struct screen *screen);

/* Draws TEXT from the top, and FOOT in the last line. What does not fit is cut; that lines are
 * missing is said. An interrupted drawing is left unfinished. Fails when the terminal is gone. */
int screen_show(const struct screen *screen, const char *text, const char *foot, struct err *err);

#endif
