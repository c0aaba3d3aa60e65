/* SPDX-License-Identifier: MIT */
#include "top.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "call.h"
#include "options.h"
#include "request.h"
#include "say.h"
#include "screen.h"
#include "signal_pipe.h"
#include "status_table.h"
#include "terminal.h"

#define INTERVAL_MS 1000
#define AGAIN_MS    100
#define LINES_MOST  1000000000 /* more than any status has */
#define AWAY_MAX_MS 2000       /* the exec of an upgrade closes connections */

/* Keys that send a sequence; the arrow keys are 'j' and 'k'. */
enum { KEY_PAGE_UP = 1, KEY_PAGE_DOWN, KEY_HOME, KEY_END };

struct top {
	struct call call;
	struct call_watch watch;
	struct screen screen;
	json_t *request;
	json_t *status; /* the newest one */
	int64_t interval_ms;
	int64_t away_since_ms; /* 0: the daemon answered the last question */
	enum status_sort sort;
	size_t first; /* the first line below the titles that is shown */
	size_t fixed; /* the lines up to the titles */
	bool color;
	bool paused;
	bool quit;
	int obey;	 /* the signal that ends preforkctl; 0: none */
	int exit_status; /* not 0: the text is in `err' */
	struct err err;
};

static void end_top(struct top *top, int exit_status)
{
	top->exit_status = exit_status;
	top->quit = true;
}

static void draw_status(struct top *top)
{
	const struct status_view view = {
		.paper = {.color = top->color, .width = top->screen.columns},
		.sort = top->sort,
	};
	char foot[160], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int rc;

	if (out == NULL) {
		(void)err_sys(&top->err, "cannot draw");
		end_top(top, EX_OSERR);
		return;
	}
	rc = status_table_write(top->status, &view, out);
	top->fixed = rc > 0 ? (size_t)rc : 0;
	if (fclose(out) != 0 || rc < 0) {
		(void)err_sys(&top->err, "cannot draw");
		end_top(top, EX_OSERR);
	} else {
		(void)snprintf(foot, sizeof(foot), "%s%s | n name w busy r rate u queue s next | space %s | q quit",
			       top->paused ? "PAUSED, " : "", status_sort_name(top->sort),
			       top->paused ? "go on" : "pause");
		if (screen_show(&top->screen, text, top->fixed, &top->first, foot, &top->err) < 0)
			end_top(top, EX_OSERR);
	}
	free(text);
}

/* Scrolls by LINES, which may be negative; beyond the end the drawing corrects it. */
static void scroll(struct top *top, long lines)
{
	if (lines < 0 && top->first < (size_t)-lines)
		top->first = 0;
	else
		top->first += (size_t)lines;
}

static void handle_key(struct top *top, char key)
{
	long page = (long)screen_page(&top->screen, top->fixed);

	switch (key) {
	case 'j':
		scroll(top, 1);
		break;
	case 'k':
		scroll(top, -1);
		break;
	case KEY_PAGE_DOWN:
		scroll(top, page);
		break;
	case KEY_PAGE_UP:
		scroll(top, -page);
		break;
	case KEY_HOME:
		top->first = 0;
		break;
	case KEY_END:
		top->first = LINES_MOST;
		break;
	case 'q':
		top->quit = true;
		break;
	case 'n':
		top->sort = STATUS_BY_NAME;
		break;
	case 'w':
		top->sort = STATUS_BY_BUSY;
		break;
	case 'r':
		top->sort = STATUS_BY_RATE;
		break;
	case 'u':
		top->sort = STATUS_BY_QUEUE;
		break;
	case 's':
		top->sort = (top->sort + 1) % STATUS_SORTS;
		break;
	case ' ':
		top->paused = !top->paused;
		break;
	}
}

/* The length of the escape sequence at the beginning of the LEN bytes at TEXT: ESC O X, ESC [ ... X, or ESC X. */
static size_t measure_sequence(const char *text, size_t len)
{
	size_t n = 2;

	if (len > 2 && text[1] == 'O')
		n = 3;
	if (len > 2 && text[1] == '[')
		while (n < len && (text[n++] & 0xc0) == 0)
			;
	return n < len ? n : len;
}

/* The key whose escape sequence of LEN bytes is at TEXT; 0: it is not known. */
static char find_key(const char *text, size_t len)
{
	static const struct {
		const char *sequence;
		char key;
	} keys[] = {
		{"\033[A", 'k'},      {"\033OA", 'k'},		{"\033[B", 'j'},
		{"\033OB", 'j'},      {"\033[5~", KEY_PAGE_UP}, {"\033[6~", KEY_PAGE_DOWN},
		{"\033[H", KEY_HOME}, {"\033OH", KEY_HOME},	{"\033[1~", KEY_HOME},
		{"\033[F", KEY_END},  {"\033OF", KEY_END},	{"\033[4~", KEY_END},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strlen(keys[i].sequence) == len && memcmp(text, keys[i].sequence, len) == 0)
			return keys[i].key;
	}
	return 0;
}

static void read_keys(struct top *top)
{
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));
	size_t used;

	/* 0: the terminal has hung up, and poll() would return at once for ever */
	if (n == 0)
		top->quit = true;
	for (ssize_t i = 0; i < n && !top->quit; i += (ssize_t)used) {
		char key = keys[i];

		used = 1;
		if (key == '\033') {
			used = measure_sequence(keys + i, (size_t)(n - i));
			key = find_key(keys + i, used);
		}
		handle_key(top, key);
	}
}

static void retake_screen(struct top *top)
{
	if (screen_open(&top->screen, &top->err) < 0)
		end_top(top, EX_OSERR);
}

static void handle_signal(struct top *top, int sig)
{
	switch (sig) {
	case SIGWINCH:
		screen_measure(&top->screen);
		break;
	case SIGTSTP:
		screen_close(&top->screen);
		signal_pipe_obey(sig);
		retake_screen(top);
		break;
	case SIGCONT: /* also after SIGSTOP, which no handler sees */
		retake_screen(top);
		break;
	case SIGINT:
		top->quit = true;
		break;
	default:
		top->obey = sig;
		top->quit = true;
		break;
	}
}

static bool is_readable(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};

	return poll(&one, 1, 0) > 0;
}

/* Serves keys and signals; runs also while a call waits for the daemon. Returns true if the user quits. */
static bool attend_user(void *context)
{
	struct top *top = context;
	int sig;

	while (!top->quit && (sig = signal_pipe_take()) != 0)
		handle_signal(top, sig);
	if (!top->quit && is_readable(STDIN_FILENO))
		read_keys(top);
	if (!top->quit)
		draw_status(top);
	return top->quit;
}

/* Gets a new status, or keeps the old one while the daemon is away for a moment. False: top must end. */
static bool ask_status(struct top *top)
{
	json_t *reply;

	if (call_make(&top->call, top->request, &reply, &top->err) < 0) {
		int64_t now = clock_ms();

		if (top->call.end == CALL_GIVEN_UP)
			return false;
		if (top->away_since_ms == 0)
			top->away_since_ms = now;
		if (top->call.end == CALL_GONE && top->status != NULL && now - top->away_since_ms < AWAY_MAX_MS)
			return true;
		end_top(top, top->call.status);
		return false;
	}
	top->away_since_ms = 0;
	json_decref(top->status);
	top->status = json_incref(json_object_get(reply, "status"));
	json_decref(reply);
	if (!json_is_object(top->status)) {
		(void)err_set(&top->err, "there is no status in the daemon's answer");
		end_top(top, EX_UNAVAILABLE);
	}
	return !top->quit;
}

/* Waits until the next question is due, and serves keys and signals meanwhile. */
static void wait_interval(struct top *top)
{
	int64_t until = clock_ms() + (top->away_since_ms != 0 ? AGAIN_MS : top->interval_ms);

	while (!top->quit) {
		struct pollfd fds[] = {{.fd = top->watch.fds[0], .events = POLLIN},
				       {.fd = top->watch.fds[1], .events = POLLIN}};
		int64_t left = until - clock_ms();
		int n;

		if (left <= 0 && !top->paused)
			return;
		n = poll(fds, 2, top->paused ? -1 : (int)left);
		if (n > 0)
			(void)attend_user(top);
	}
}

static void run_loop(struct top *top)
{
	retake_screen(top);
	top->call.watch = &top->watch;
	while (!top->quit) {
		draw_status(top);
		wait_interval(top);
		if (!top->quit)
			(void)ask_status(top);
	}
	screen_close(&top->screen);
}

/* Asks once before the terminal is changed, so that most errors are printed on an unchanged terminal. */
static void prepare_top(struct top *top, const struct options *options)
{
	static const int signals[] = {SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT};

	call_init(&top->call, options->socket);
	top->request = request_status();
	if (!ask_status(top))
		return;
	top->watch = (struct call_watch){.attend = attend_user, .context = top};
	top->watch.fds[0] = STDIN_FILENO;
	top->watch.fds[1] = signal_pipe_open(signals, sizeof(signals) / sizeof(signals[0]), &top->err);
	if (top->watch.fds[1] < 0)
		end_top(top, EX_OSERR);
}

int top_run(const struct options *options)
{
	struct top top = {.interval_ms = options->interval_ms > 0 ? options->interval_ms : INTERVAL_MS,
			  .color = !options->no_color && terminal_colors(STDOUT_FILENO)};

	if (!terminal_is(STDIN_FILENO) || !terminal_is(STDOUT_FILENO)) {
		(void)err_set(&top.err, "top needs a terminal; status is for anything else");
		return say_failure(&top.err, EX_USAGE);
	}
	prepare_top(&top, options);
	if (!top.quit)
		run_loop(&top);
	json_decref(top.request);
	json_decref(top.status);
	if (top.obey != 0)
		signal_pipe_obey(top.obey);
	return top.exit_status == 0 ? 0 : say_failure(&top.err, top.exit_status);
}
