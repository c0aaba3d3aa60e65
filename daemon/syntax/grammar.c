/* SPDX-License-Identifier: MIT */
#include "syntax/grammar.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "syntax/problems.h"

#define PLACE_SIZE 320

void grammar_begin(struct grammar *g, struct problems *problems)
{
	memset(g, 0, sizeof(*g));
	g->problems = problems;
	g->before = ';';
}

/* Returns false. KEY: NULL or the name that the problem is about. */
__attribute__((format(printf, 4, 5))) static bool report(struct grammar *g, const struct origin *at, const char *key,
							 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	/* The name before the text of an override is not the user's (read_override()). */
	problems_vadd(g->problems, LOG_ERR, at, at->file != NULL ? key : NULL, fmt, ap);
	va_end(ap);
	g->failed = true;
	return false;
}

static bool lose(struct grammar *g)
{
	g->lost = true;
	return false;
}

static struct grammar_bracket *find_top(struct grammar *g)
{
	return g->depth > 0 ? &g->open[g->depth - 1] : NULL;
}

static bool in_list(struct grammar *g)
{
	const struct grammar_bracket *top = find_top(g);

	return top != NULL && top->text != '{';
}

static bool is_before(const struct grammar *g, const char *set)
{
	return strchr(set, g->before) != NULL;
}

static bool wants_value(struct grammar *g)
{
	return is_before(g, "=:") || (in_list(g) && is_before(g, "[(,"));
}

/* The names of the open brackets, "services.git.listen"; NULL: none has a name. */
static const char *find_path(const struct grammar *g, char *out, size_t size)
{
	size_t i, len = 0;

	out[0] = '\0';
	for (i = 0; i < g->depth && len < size; i++) {
		if (g->open[i].name[0] != '\0')
			len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? "." : "", g->open[i].name);
	}
	return len > 0 ? out : NULL;
}

/* "line 5" for a line of the file that AT is in, else "FILE:5". */
static const char *describe_line(const struct origin *line, const struct origin *at, char *out)
{
	if (at->file != NULL && strcmp(line->file, at->file) == 0)
		(void)snprintf(out, PLACE_SIZE, "line %d", line->line);
	else
		(void)snprintf(out, PLACE_SIZE, "%.256s:%d", line->file, line->line);
	return out;
}

/* WORD cannot stand inside the innermost bracket, which is still open. */
static bool report_open(struct grammar *g, const struct word *word)
{
	const struct grammar_bracket *top = find_top(g);
	char path[160], place[PLACE_SIZE];

	if (word->at.file == NULL)
		report(g, &top->at, NULL, "the %c that begins here is not closed", top->text);
	else
		report(g, &top->at, find_path(g, path, sizeof(path)),
		       "the %c that begins here is not closed before the %.*s of %s", top->text,
		       (int)(word->len < 40 ? word->len : 40), word->text, describe_line(&word->at, &top->at, place));
	return lose(g);
}

static bool report_comma(struct grammar *g, const struct word *word)
{
	return report(g, &word->at, NULL, "a comma is missing before %.*s", (int)(word->len < 80 ? word->len : 80),
		      word->text);
}

/* WORD follows a name. */
static bool report_equals(struct grammar *g, const struct word *word)
{
	if (*word->text == '{')
		return report(g, &word->at, g->name, "a group is written with a colon, %s: { ... }", g->name);
	if (*word->text == ';' || *word->text == '}')
		return report(g, &word->at, g->name, "the value is missing, %s = VALUE", g->name);
	return report(g, &word->at, g->name, "a = is missing between %s and %.*s", g->name,
		      (int)(word->len < 80 ? word->len : 80), word->text);
}

static bool equals_word(const struct word *word, const char *text)
{
	return word->len == strlen(text) && strncasecmp(word->text, text, word->len) == 0;
}

/* A name in the place of a value. */
static bool take_bare(struct grammar *g, const struct word *word)
{
	int len = (int)word->len;

	g->before = 'v';
	if (equals_word(word, "true") || equals_word(word, "false"))
		return true;
	if (equals_word(word, "yes") || equals_word(word, "on"))
		return report(g, &word->at, NULL, "%.*s: write true for a switch; text goes into quotes, \"%.*s\"", len,
			      word->text, len, word->text);
	if (equals_word(word, "no") || equals_word(word, "off"))
		return report(g, &word->at, NULL, "%.*s: write false for a switch; text goes into quotes, \"%.*s\"",
			      len, word->text, len, word->text);
	return report(g, &word->at, NULL, "%.*s: text goes into quotes, \"%.*s\"", len, word->text, len, word->text);
}

static bool take_name(struct grammar *g, const struct word *word)
{
	bool good = true;

	if (wants_value(g))
		return take_bare(g, word);
	if (in_list(g) && word->is_named)
		return report_open(g, word);
	if (in_list(g) && !is_before(g, "a"))
		good = report_comma(g, word);
	else if (is_before(g, "n"))
		good = report_equals(g, word);
	(void)snprintf(g->name, sizeof(g->name), "%.*s", (int)(word->len < 70 ? word->len : 70), word->text);
	g->before = in_list(g) ? 'v' : 'n';
	return good;
}

/* A string or a number in the place of a name. */
static bool report_nameless(struct grammar *g, const struct word *word)
{
	const char *why = "a value without a name";

	g->before = word->kind == WORD_STRING && !word->is_named ? '"' : 'n';
	if (word->kind == WORD_NUMBER)
		why = "a name begins with a letter";
	else if (word->is_named)
		why = "a name goes without quotes";
	return report(g, &word->at, NULL, "%.*s: %s", (int)(word->len < 80 ? word->len : 80), word->text, why);
}

/* A string or a number. */
static bool take_literal(struct grammar *g, const struct word *word)
{
	bool is_string = word->kind == WORD_STRING;
	bool good = true;

	/* libconfig joins strings that follow each other. */
	bool joins = is_string && is_before(g, "\"") && !in_list(g) && !word->is_named;

	if (is_before(g, "n"))
		good = report_equals(g, word);
	else if (!wants_value(g) && !is_before(g, "a") && !joins)
		return in_list(g) ? report_comma(g, word) : report_nameless(g, word);
	g->before = is_string ? '"' : 'v';
	return good;
}

static bool open_bracket(struct grammar *g, const struct word *word)
{
	struct grammar_bracket *bracket;
	bool good = true;

	if (is_before(g, "n"))
		good = report_equals(g, word);
	else if (in_list(g) && !wants_value(g) && !is_before(g, "a"))
		good = report_comma(g, word);
	else if (!wants_value(g) && !is_before(g, "a"))
		good = report(g, &word->at, NULL, "a %c without a name before it", *word->text);
	if (g->depth == GRAMMAR_DEPTH_MOST) {
		report(g, &word->at, NULL, "more than %d brackets inside each other", GRAMMAR_DEPTH_MOST);
		return lose(g);
	}
	bracket = &g->open[g->depth++];
	*bracket = (struct grammar_bracket){.text = *word->text, .at = word->at, .indent = word->indent};
	memcpy(bracket->name, g->name, sizeof(bracket->name));
	g->name[0] = '\0';
	g->before = *word->text;
	return good;
}

/* A } that stands further to the left than the line of its { mostly belongs to an outer one: theirs is missing. */
static void suspect_bracket(struct grammar *g, const struct grammar_bracket *top, const struct word *word)
{
	if (g->has_suspect || !word->is_first || word->indent >= top->indent)
		return;
	g->has_suspect = true;
	g->suspect = top->at;
	g->closed = word->at;
	(void)find_path(g, g->suspect_path, sizeof(g->suspect_path));
}

static bool close_bracket(struct grammar *g, const struct word *word)
{
	const struct grammar_bracket *top = find_top(g);
	char c = *word->text;
	char opening = c == '}' ? '{' : c == ']' ? '[' : '(';
	bool good = true;

	if (top == NULL) {
		report(g, &word->at, NULL, "a %c too many: no %c is open here", c, opening);
		return lose(g);
	}
	if (top->text != opening)
		return report_open(g, word);
	if (c == '}' && is_before(g, "n"))
		good = report_equals(g, word);
	else if (c == '}' && is_before(g, "=:"))
		good = report(g, &word->at, g->name, "the value is missing");
	else if (c != '}' && is_before(g, ","))
		good = report(g, &word->at, NULL, "a comma before the %c, with nothing after it", c);
	if (c == '}')
		suspect_bracket(g, top, word);
	g->depth--;
	g->before = c;
	return good;
}

static bool take_separator(struct grammar *g, const struct word *word)
{
	bool good = true;

	if (*word->text == ';' && in_list(g))
		return report_open(g, word);
	if (is_before(g, "n"))
		good = report_equals(g, word);
	else if (is_before(g, "=:"))
		good = report(g, &word->at, g->name, "the value is missing");
	else if (*word->text == ';' && is_before(g, ";{,"))
		good = report(g, &word->at, NULL, "a ; with nothing before it");
	else if (in_list(g) && wants_value(g))
		good = report(g, &word->at, NULL, "a comma with nothing before it");
	g->before = *word->text;
	return good;
}

bool grammar_take(struct grammar *g, const struct word *word)
{
	bool good = true;

	switch (word->kind) {
	case WORD_NAME:
		return take_name(g, word);
	case WORD_STRING:
	case WORD_NUMBER:
		return take_literal(g, word);
	case WORD_CHARACTER:
		break;
	}
	switch (*word->text) {
	case '{':
	case '[':
	case '(':
		return open_bracket(g, word);
	case '}':
	case ']':
	case ')':
		return close_bracket(g, word);
	case ';':
	case ',':
		return take_separator(g, word);
	default: /* = or : */
		if (in_list(g) && !is_before(g, "a"))
			return report_open(g, word);
		if (!is_before(g, "na"))
			good = report(g, &word->at, NULL, "a %c without a name before it", *word->text);
		g->before = *word->text;
		return good;
	}
}

void grammar_forget(struct grammar *g)
{
	g->before = 'a';
}

void grammar_end(struct grammar *g)
{
	char path[160], place[PLACE_SIZE];

	if (g->lost)
		return;
	if (g->depth > 0 && g->has_suspect) {
		report(g, &g->suspect, g->suspect_path[0] != '\0' ? g->suspect_path : NULL,
		       "the { that begins here seems not to be closed: the } of %s stands further to the left than "
		       "this "
		       "line",
		       describe_line(&g->closed, &g->suspect, place));
		return;
	}
	for (; g->depth > 0; g->depth--)
		report(g, &find_top(g)->at, find_path(g, path, sizeof(path)), "the %c that begins here is not closed",
		       find_top(g)->text);
}
