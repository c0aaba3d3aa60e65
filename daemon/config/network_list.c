/* SPDX-License-Identifier: MIT */
#include "config/network_list.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/checker.h"
#include "config/value_source.h"
#include "config/values.h"
#include "syntax/problems.h"
#include "syntax/slurp.h"

#define BLANKS		" \t\r"
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* some editors write it */

struct reader {
	const struct checker *checker;
	const char *key;
	struct origin at; /* the current line */
	size_t n_wrong;
};

void network_list_add(struct network_list *list, const struct network *network, const struct access_rule *rule)
{
	if (list->n == list->room) {
		list->room = list->room == 0 ? 64 : list->room * 2;
		list->entries = arena_resize(list->entries, list->room, sizeof(*list->entries));
		list->rules = arena_resize(list->rules, list->room, sizeof(*list->rules));
	}
	list->entries[list->n] = (struct networks_entry){.network = *network, .rank = rule->allow ? 0 : 1};
	list->rules[list->n++] = *rule;
}

void network_list_clear(struct network_list *list)
{
	free(list->entries);
	free(list->rules);
	*list = (struct network_list){.n = 0};
}

static void report_line(struct reader *r, const char *text)
{
	if (r->n_wrong++ < NETWORK_LIST_REPORT_MOST)
		problems_add(r->checker->problems, LOG_ERR, &r->at, r->key, "%s", text);
}

static void report_rest(struct reader *r)
{
	if (r->n_wrong > NETWORK_LIST_REPORT_MOST)
		problems_add(r->checker->problems, LOG_ERR, &r->at, r->key, "%zu more lines are wrong",
			     r->n_wrong - NETWORK_LIST_REPORT_MOST);
}

/* Removes the comment, and blanks at both ends, from a line of LEN bytes and a NUL. */
static char *trim_line(char *line, size_t *len)
{
	char *comment = memchr(line, '#', *len);

	if (comment != NULL)
		*len = (size_t)(comment - line);
	while (*len > 0 && strchr(BLANKS, line[*len - 1]) != NULL && line[*len - 1] != '\0')
		(*len)--;
	line[*len] = '\0';
	while (*len > 0 && strchr(BLANKS, *line) != NULL && *line != '\0') {
		line++;
		(*len)--;
	}
	return line;
}

static void take_line(struct reader *r, char *line, size_t len, bool allow, const struct network_names *names,
		      struct network_list *list)
{
	struct network network;
	struct err err;

	line = trim_line(line, &len);
	if (len == 0)
		return;
	if (strlen(line) != len) {
		report_line(r, "there is a NUL byte");
	} else if (network_parse(line, names, &network, &err) == 0) {
		const struct access_rule rule = {.allow = allow, .text = line, .origin = r->at};

		network_list_add(list, &network, &rule);
	} else if (strpbrk(line, BLANKS ",;") != NULL) {
		report_line(r, "one network a line, and nothing after it but a # comment");
	} else {
		report_line(r, err.text);
	}
}

bool network_list_read(const struct checker *checker, const struct value_source *source, const char *file, bool allow,
		       const struct network_names *names, struct arena *arena, struct network_list *list)
{
	struct reader r = {.checker = checker, .key = source->key, .at = {.file = file}};
	struct slurp content;
	char *p, *end, *next;
	struct err err;

	problems_file(checker->problems, file);
	if (slurp(file, NETWORK_LIST_BYTES_MOST, &content, &err) < 0) {
		problems_add(checker->problems, LOG_ERR, &source->origin, source->key, "\"%.256s\": %s", file,
			     err.text);
		return false;
	}
	p = memcpy(arena_alloc(arena, content.len + 1), content.text, content.len + 1);
	end = p + content.len;
	free(content.text);
	if (content.len >= strlen(BYTE_ORDER_MARK) && memcmp(p, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
		p += strlen(BYTE_ORDER_MARK);
	for (; p < end; p = next) {
		if (++r.at.line > NETWORK_LIST_LINES_MOST) {
			problems_add(checker->problems, LOG_ERR, &r.at, r.key, "the file has more than %d lines",
				     NETWORK_LIST_LINES_MOST);
			r.n_wrong++;
			break;
		}
		next = memchr(p, '\n', (size_t)(end - p));
		next = next != NULL ? next + 1 : end + 1; /* after the LF, or after the NUL */
		take_line(&r, p, (size_t)(next - 1 - p), allow, names, list);
	}
	report_rest(&r);
	return r.n_wrong == 0;
}
