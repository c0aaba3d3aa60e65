/* SPDX-License-Identifier: MIT */
/*
 * preforkctl. The whole terminal on standard input and output: switched to the alternate screen, drawn, and restored.
 * The sequences are plain ANSI; the text to draw may contain sequences for colours only.
 */
#ifndef PREFORKD_CTL_SCREEN_H
#define PREFORKD_CTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct err;

struct screen {
	struct termios before;
	bool taken;
	unsigned columns, lines;
};

/* Sets the modes and shows the alternate screen; also after another program has used the terminal. */
int screen_open(struct screen *screen, struct err *err);

/* Restores the modes and the screen, if they were changed. */
void screen_close(struct screen *screen);

/* Asks the terminal for its size (after SIGWINCH). */
void screen_measure(struct screen *screen);

/*
 * Draws TEXT from the top, and FOOT in the last line: its first FIXED lines always, then those from line *first of the
 * others; *first is reduced to where the last line is at the bottom. Lines that are too long are cut; a note says how
 * many lines follow. A signal ends the drawing early: the caller draws again. Fails when the terminal is gone.
 */
int screen_show(const struct screen *screen, const char *text, size_t fixed, size_t *first, const char *foot,
		struct err *err);

/* How many lines a page down scrolls, below FIXED lines. */
size_t screen_page(const struct screen *screen, size_t fixed);

#endif
