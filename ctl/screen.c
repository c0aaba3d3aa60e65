/* SPDX-License-Identifier: MIT */
#include "screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "terminal.h"

/* The alternate screen, no cursor, no wrapping; and back. */
#define TAKE	  "\033[?1049h\033[?25l\033[?7l"
#define GIVE_BACK "\033[?7h\033[?25h\033[?1049l"
#define HOME	  "\033[H"
/* Sent before a line is written: behind a full line the cursor still stands on the last character. */
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"

/* Writes DATA. 0 also when a signal interrupts it: the rest is not written then. */
static int write_bytes(const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(STDOUT_FILENO, data, size);

		if (n < 0)
			return errno == EINTR ? 0 : -1;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

void screen_measure(struct screen *screen)
{
	terminal_size(STDOUT_FILENO, &screen->columns, &screen->lines);
}

int screen_open(struct screen *screen, struct err *err)
{
	struct termios raw;

	if (!screen->taken && tcgetattr(STDIN_FILENO, &screen->before) < 0)
		return err_sys(err, "cannot read the modes of the terminal");
	raw = screen->before;
	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
	/* Ctrl-S would block our writes */
	raw.c_iflag &= (tcflag_t)~IXON;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	while (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		if (errno != EINTR)
			return err_sys(err, "cannot set the modes of the terminal");
	screen->taken = true;
	screen_measure(screen);
	return write_bytes(TAKE, strlen(TAKE)) < 0 ? err_sys(err, "cannot write to the terminal") : 0;
}

void screen_close(struct screen *screen)
{
	if (!screen->taken)
		return;
	screen->taken = false;
	/* both fail if the terminal is gone, and that does not matter */
	(void)write_bytes(GIVE_BACK, strlen(GIVE_BACK));
	while (tcsetattr(STDIN_FILENO, TCSADRAIN, &screen->before) < 0 && errno == EINTR)
		continue;
}

/* Draws LENGTH bytes of TEXT, at most COLUMNS wide. Colour sequences have no width. */
static void draw_line(const char *text, size_t length, unsigned columns, FILE *out)
{
	unsigned used = 0;
	bool colored = false;
	size_t i = 0;

	while (i < length) {
		size_t n = 1;

		if (text[i] == '\033') {
			n = strcspn(text + i, "m") + 1;
			colored = true;
		} else {
			while (i + n < length && ((unsigned char)text[i + n] & 0xc0) == 0x80)
				n++;
			if (++used > columns)
				break;
		}
		if (n > length - i)
			break;
		(void)fwrite(text + i, 1, n, out);
		i += n;
	}
	if (colored)
		(void)fputs("\033[0m", out);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* The lines of the terminal above the foot. */
static size_t get_room(const struct screen *screen)
{
	return screen->lines > 1 ? screen->lines - 1 : 0;
}

size_t screen_page(const struct screen *screen, size_t fixed)
{
	size_t room = get_room(screen);

	return room > fixed + 2 ? room - fixed - 2 : 1; /* one line stays to be seen, and one is the note */
}

static const char *skip_lines(const char *text, size_t n)
{
	for (; n > 0; n--) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return text;
}

static void draw_screen(const struct screen *screen, const char *text, size_t fixed, size_t *first, const char *foot,
			FILE *out)
{
	size_t n = count_lines(text), room = get_room(screen), most = n > room ? n - room : 0, i;

	if (*first > most)
		*first = most;
	(void)fputs(HOME, out);
	for (i = 0; i < room; i++) {
		size_t length;

		if (i == fixed)
			text = skip_lines(text, *first);
		length = strcspn(text, "\n");
		(void)fputs(CLEAR_LINE, out);
		if (i + 1 == room && *first < most) {
			(void)fprintf(out, "(%zu more lines: arrow keys, PageDown)", n - room + 1 - *first);
		} else {
			draw_line(text, length, screen->columns, out);
			text += length + (text[length] == '\n' ? 1 : 0);
		}
		(void)fputs("\r\n", out);
	}
	(void)fputs(CLEAR_REST, out);
	draw_line(foot, strlen(foot), screen->columns, out);
}

int screen_show(const struct screen *screen, const char *text, size_t fixed, size_t *first, const char *foot,
		struct err *err)
{
	char *drawn = NULL;
	size_t size;
	FILE *out = open_memstream(&drawn, &size);
	int rc;

	if (out == NULL)
		return err_sys(err, "cannot draw");
	draw_screen(screen, text, fixed, first, foot, out);
	if (fclose(out) != 0) {
		free(drawn);
		return err_sys(err, "cannot draw");
	}
	rc = write_bytes(drawn, size) < 0 ? err_sys(err, "cannot write to the terminal") : 0;
	free(drawn);
	return rc;
}
