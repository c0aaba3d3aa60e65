/* SPDX-License-Identifier: MIT */
#include "syntax/scan.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/path_trust.h"
#include "syntax/grammar.h"
#include "syntax/number.h"
#include "syntax/problems.h"
#include "syntax/slurp.h"

#define DIGITS	"0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define BLANKS	" \t\r\f\v"

#define DEPTH_MOST    10
#define FILE_MOST     (16 * SLURP_MEBIBYTE)
#define INCLUDES_MOST 1000 /* in all: files that include others twice could make the text grow without bound */

/*
 * The scanner knows the words of libconfig 1.5: strings, comments, names, numbers and single characters. It leaves
 * comments out of the text; line ends stay.
 */

/* One scan, including all files that are included. */
struct scanner {
	struct scan *out;
	struct arena *arena;
	struct problems *problems;
	struct grammar grammar;
	unsigned n_includes;
	bool wary;
	bool failed;
	/* The first string that goes on over line ends up to what looks like the next value, and where it ends. */
	bool has_long_string;
	struct origin long_string, long_string_end;
};

/* One file of a scan. */
struct input {
	const struct input *parent;
	int depth;
	struct origin at; /* the line of P */
	dev_t dev;
	ino_t ino;
	bool may_include;
	const char *p, *end; /* *end is NUL */
	bool after_string;   /* the last word is a string */
	bool at_start;	     /* of a line, apart from blanks: @include may only stand here */
	int indent;	     /* the width of the blanks at the start of the line */
	int held;	     /* line ends after a string that are not in the text yet */
};

__attribute__((format(printf, 3, 4))) static void report_error(struct scanner *s, const struct origin *at,
							       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problems_vadd(s->problems, LOG_ERR, at, NULL, fmt, ap);
	va_end(ap);
	s->failed = true;
}

static void emit_text(struct scanner *s, const char *text, size_t len)
{
	struct scan *out = s->out;

	if (out->size - out->len <= len) {
		out->size = (out->size + len + 1) * 2;
		out->text = arena_resize(out->text, out->size, 1);
	}
	memcpy(out->text + out->len, text, len);
	out->len += len;
	out->text[out->len] = '\0';
}

/* Notes the place of the line that begins now. */
static void map_line(struct scanner *s, struct origin at)
{
	struct scan *out = s->out;

	/* The list is full when its length is a power of two. */
	if ((out->n_lines & (out->n_lines - 1)) == 0)
		out->lines = arena_resize(out->lines, out->n_lines * 2 + 1, sizeof(*out->lines));
	out->lines[out->n_lines++] = at;
}

static void flush_newlines(struct scanner *s, struct input *in)
{
	struct origin at = in->at;

	for (; in->held > 0; in->held--) {
		if (at.file != NULL)
			at.line = in->at.line - in->held + 1;
		emit_text(s, "\n", 1);
		map_line(s, at);
	}
}

/*
 * After a string libconfig reads one more word, because another string would continue the first one, and it takes the
 * line of that word for the line of the string. So a line end after a string is held back until the next bracket or
 * comma.
 */
static void take_newline(struct scanner *s, struct input *in)
{
	in->p++;
	if (in->at.file != NULL)
		in->at.line++;
	in->held++;
	in->at_start = true;
	in->indent = 0;
	if (!in->after_string)
		flush_newlines(s, in);
}

static bool is_named(const char *p)
{
	p += strspn(p, BLANKS "\n");
	return *p == '=' || *p == ':';
}

/* Judges the word from START to in->p, which began in the line AT. */
static bool judge_word(struct scanner *s, struct input *in, enum word_kind kind, const char *start,
		       const struct origin *at)
{
	struct word word = {
		.kind = kind,
		.text = start,
		.len = (size_t)(in->p - start),
		.at = *at,
		.indent = in->indent,
		.is_first = in->at_start,
		.is_named = is_named(in->p),
	};

	in->after_string = kind == WORD_STRING;
	return grammar_take(&s->grammar, &word);
}

/* The rest of the file cannot be told from the insides of strings. */
static void give_up(struct scanner *s)
{
	s->grammar.lost = true;
}

/* The string from START to P, its closing quote included, began in the line AT. True: its end looks like a mistake. */
static bool has_lost_quote(struct scanner *s, struct input *in, const char *start, const struct origin *at)
{
	const char *end = in->p;
	const char *last = end - 1;

	while (last > start + 1 && strchr(BLANKS "\n", last[-1]) != NULL)
		last--;
	if (at->line != in->at.line && last > start + 1 && strchr("=:[(,", last[-1]) != NULL && !s->has_long_string) {
		s->has_long_string = true;
		s->long_string = *at;
		s->long_string_end = in->at;
	}
	if (end == in->end || strchr(BLANKS "\n;,}])=:#\"", *end) != NULL || strncmp(end, "//", 2) == 0 ||
	    strncmp(end, "/*", 2) == 0)
		return false;
	report_error(s, at, "a quote is missing: the string that begins here ends in line %d, before %.*s", in->at.line,
		     (int)strcspn(end, " \t\r\n;,"), end);
	s->has_long_string = false;
	return true;
}

static void take_string(struct scanner *s, struct input *in)
{
	struct origin begin = in->at;
	const char *start = in->p++;
	const char *part = start;

	flush_newlines(s, in);
	in->after_string = false;
	for (;;) {
		if (in->p == in->end) {
			report_error(s, &begin, "the string that begins here is not closed");
			give_up(s);
			return;
		}
		if (*in->p == '"')
			break;
		if (*in->p == '\n') {
			emit_text(s, part, (size_t)(in->p - part));
			take_newline(s, in);
			part = in->p;
			continue;
		}
		if (strncasecmp(in->p, "\\x00", 4) == 0)
			report_error(s, &in->at, "a string cannot contain \\x00");
		/* A character after a backslash does not end the string. */
		if (*in->p == '\\' && in->p + 1 < in->end && in->p[1] != '\n')
			in->p++;
		in->p++;
	}
	in->p++;
	emit_text(s, part, (size_t)(in->p - part));
	if (has_lost_quote(s, in, start, &begin))
		give_up(s);
	else
		(void)judge_word(s, in, WORD_STRING, start, &begin);
}

static void skip_comment(struct scanner *s, struct input *in)
{
	struct origin begin = in->at;

	if (in->p[1] != '*' || *in->p == '#') {
		in->p += strcspn(in->p, "\n");
		return;
	}
	in->p += 2;
	while (strncmp(in->p, "*/", 2) != 0) {
		if (in->p == in->end) {
			report_error(s, &begin, "the comment that begins here is not closed");
			return;
		}
		if (*in->p == '\n')
			take_newline(s, in);
		else
			in->p++;
	}
	in->p += 2;
	emit_text(s, " ", 1);
}

static void take_name(struct scanner *s, struct input *in)
{
	const char *start = in->p;

	flush_newlines(s, in);
	in->p += strspn(in->p, LETTERS DIGITS "-_*");
	emit_text(s, start, (size_t)(in->p - start));
	/* A quote after text without an opening one is no opening one, either. */
	if (!judge_word(s, in, WORD_NAME, start, &in->at) && *in->p == '"')
		give_up(s);
}

static void take_number(struct scanner *s, struct input *in)
{
	const char *start = in->p;
	char text[NUMBER_SIZE];
	const char *end = number_read(start, text);
	size_t len = (size_t)(end - start);

	flush_newlines(s, in);
	if (*text != '\0')
		emit_text(s, text, strlen(text));
	else
		emit_text(s, start, len);
	in->p = start + strspn(start, LETTERS DIGITS "._+-");
	if (!judge_word(s, in, WORD_NUMBER, start, &in->at))
		return;
	in->p = end;
	if (*end == '\0' || strchr(LETTERS DIGITS "._", *end) == NULL)
		return;
	len = strspn(start, LETTERS DIGITS "._+-:/");
	report_error(s, &in->at, "%.*s: a value that is more than a number goes into quotes, \"%.*s\"", (int)len, start,
		     (int)len, start);
	in->p = start + len;
}

static void scan_input(struct scanner *s, struct input *in);

static bool is_open(const struct input *in, const struct slurp *file)
{
	for (; in != NULL; in = in->parent) {
		if (in->dev == file->dev && in->ino == file->ino)
			return true;
	}
	return false;
}

/* Reads FILE; not if others than root could change it, and S is wary. */
static int read_input(const struct scanner *s, const char *file, struct slurp *out, struct err *err)
{
	char real[PATH_MAX];
	struct stat st;

	if (s->wary && path_trust(file, real, &st, err) < 0 && err->code == 0)
		return -1;
	return slurp(file, FILE_MOST, out, err);
}

/* Inserts the file NAME, which IN includes. */
static void insert_file(struct scanner *s, struct input *in, const char *name)
{
	const char *slash = strrchr(in->at.file, '/');
	struct input child = {.parent = in, .depth = in->depth + 1, .may_include = true};
	struct slurp file;
	struct err err;
	int folder;

	/* A relative NAME starts at the folder of the including file. */
	folder = slash != NULL && *name != '/' ? (int)(slash + 1 - in->at.file) : 0;
	child.at.file = arena_printf(s->arena, "%.*s%s", folder, in->at.file, name);
	child.at.line = 1;
	if (child.depth > DEPTH_MOST) {
		report_error(s, &in->at, "@include \"%s\": more than %d files inside each other", name, DEPTH_MOST);
		return;
	}
	if (++s->n_includes > INCLUDES_MOST) {
		report_error(s, &in->at, "@include \"%s\": more than %d files", name, INCLUDES_MOST);
		return;
	}
	if (read_input(s, child.at.file, &file, &err) < 0) {
		report_error(s, &in->at, "@include \"%s\": %s", name, err.text);
		return;
	}
	if (is_open(in, &file)) {
		report_error(s, &in->at, "@include \"%s\": the file includes itself", name);
	} else {
		child.dev = file.dev;
		child.ino = file.ino;
		child.p = file.text;
		child.end = file.text + file.len;
		grammar_forget(&s->grammar);
		flush_newlines(s, in);
		problems_file(s->problems, child.at.file);
		emit_text(s, "\n", 1);
		map_line(s, child.at);
		scan_input(s, &child);
		grammar_forget(&s->grammar);
		in->after_string = false;
		emit_text(s, "\n", 1);
		map_line(s, in->at);
	}
	free(file.text);
}

/* At "@include": reads the file name, and inserts the file. */
static void take_include(struct scanner *s, struct input *in)
{
	char name[4096];
	size_t len = 0;
	const char *p = in->p + strlen("@include");

	p += strspn(p, BLANKS);
	if (!in->may_include || *p != '"') {
		report_error(s, &in->at,
			     in->may_include ? "@include takes a file name in quotes" : "@include cannot stand here");
		in->p += strcspn(in->p, "\n");
		return;
	}
	for (p++; *p != '"' && *p != '\n' && p < in->end && len < sizeof(name) - 1; p++) {
		if (*p == '\\' && (p[1] == '\\' || p[1] == '"'))
			p++;
		name[len++] = *p;
	}
	name[len] = '\0';
	if (*p != '"') {
		report_error(s, &in->at, "the file name of @include is not closed or too long");
		in->p += strcspn(in->p, "\n");
		return;
	}
	in->p = p + 1;
	insert_file(s, in, name);
}

/* A word of one character. */
static void take_character(struct scanner *s, struct input *in)
{
	char c = *in->p;

	if (strchr("{}[]()=:,;", c) == NULL || c == '\0') {
		/* Only the first such character is reported: more of them mostly follow. */
		if (c == '\0')
			report_error(s, &in->at, "a NUL byte: this is not a text file");
		else if (c == '\'')
			report_error(s, &in->at, "text goes into double quotes, \"\", not into single ones");
		else if (c > ' ' && c <= '~')
			report_error(s, &in->at, "the character %c cannot stand here", c);
		else
			report_error(s, &in->at, "the byte 0x%02x cannot stand outside of quotes", (unsigned char)c);
		give_up(s);
		return;
	}
	emit_text(s, in->p++, 1);
	flush_newlines(s, in);
	(void)judge_word(s, in, WORD_CHARACTER, in->p - 1, &in->at);
}

/* Blanks become as many spaces. */
static void take_blanks(struct scanner *s, struct input *in)
{
	for (; *in->p != '\0' && strchr(BLANKS, *in->p) != NULL; in->p++) {
		if (in->at_start)
			in->indent += *in->p == '\t' ? 8 - in->indent % 8 : 1;
	}
	emit_text(s, " ", 1);
}

static void scan_input(struct scanner *s, struct input *in)
{
	in->at_start = true;
	while (in->p < in->end && !s->grammar.lost) {
		if (*in->p != '\0' && strchr(BLANKS, *in->p) != NULL) {
			take_blanks(s, in);
			continue;
		}
		if (*in->p == '\n') {
			take_newline(s, in);
			continue;
		}
		if (in->at_start && strncmp(in->p, "@include", 8) == 0)
			take_include(s, in);
		else if (*in->p == '"')
			take_string(s, in);
		else if (*in->p == '#' || (*in->p == '/' && (in->p[1] == '/' || in->p[1] == '*')))
			skip_comment(s, in);
		else if (*in->p != '\0' && strchr(LETTERS "*", *in->p) != NULL)
			take_name(s, in);
		else if (number_begins(in->p))
			take_number(s, in);
		else
			take_character(s, in);
		in->at_start = false;
	}
	flush_newlines(s, in);
}

static int run_scan(struct scanner *s, struct input *in)
{
	*s->out = (struct scan){.text = NULL};
	grammar_begin(&s->grammar, s->problems);
	emit_text(s, "", 0);
	map_line(s, in->at);
	scan_input(s, in);
	emit_text(s, "\n", 1);
	grammar_end(&s->grammar);
	if (!s->failed && !s->grammar.failed)
		return 0;
	if (s->has_long_string)
		report_error(s, &s->long_string, "the string that begins here ends in line %d: is its quote missing?",
			     s->long_string_end.line);
	return -1;
}

int scan_file(const char *file, bool wary, struct arena *arena, struct problems *problems, struct scan *out)
{
	struct scanner s = {.out = out, .arena = arena, .problems = problems, .wary = wary};
	struct input in = {.may_include = true};
	struct slurp content;
	struct err err;
	int rc;

	*out = (struct scan){.text = NULL};
	in.at.file = arena_strdup(arena, file);
	problems_file(problems, file);
	if (read_input(&s, file, &content, &err) < 0) {
		report_error(&s, &in.at, "%s", err.text);
		return -1;
	}
	in.at.line = 1;
	in.dev = content.dev;
	in.ino = content.ino;
	in.p = content.text;
	in.end = content.text + content.len;
	if (strncmp(in.p, "\xef\xbb\xbf", 3) == 0) /* a byte order mark, which some editors write */
		in.p += 3;
	rc = run_scan(&s, &in);
	free(content.text);
	return rc;
}

int scan_text(const char *text, const struct origin *where, struct arena *arena, struct problems *problems,
	      struct scan *out)
{
	struct scanner s = {.out = out, .arena = arena, .problems = problems};
	struct input in = {.at = *where, .p = text, .end = text + strlen(text)};

	return run_scan(&s, &in);
}

struct origin scan_origin(const struct scan *scan, unsigned line)
{
	if (line == 0)
		line = 1;
	return scan->lines[line <= scan->n_lines ? line - 1 : scan->n_lines - 1];
}

void scan_clear(struct scan *scan)
{
	free(scan->text);
	free(scan->lines);
	*scan = (struct scan){.text = NULL};
}
