/* SPDX-License-Identifier: MIT */
#include "syntax/duplicate.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "syntax/grammar.h"

/* A walk over the names of a text. */
struct walk {
	const char *p;
	unsigned line;
	char path[DUPLICATE_PATH_SIZE];	 /* of the last name */
	size_t ends[GRAMMAR_DEPTH_MOST]; /* where the path of each open bracket ends */
	size_t depth;
	size_t len; /* of the path without the last name */
};

static void skip_string(struct walk *w)
{
	for (w->p++; *w->p != '\0' && *w->p != '"'; w->p++) {
		if (*w->p == '\\' && w->p[1] != '\0')
			w->p++;
		if (*w->p == '\n')
			w->line++;
	}
	if (*w->p == '"')
		w->p++;
}

static void keep_name(struct walk *w, const char *name, size_t len)
{
	(void)snprintf(w->path + w->len, sizeof(w->path) - w->len, "%s%.*s", w->len > 0 ? "." : "",
		       (int)(len < 100 ? len : 100), name);
}

/* The next name of a key or group. False: there is none, or the brackets are too deep. */
static bool find_name(struct walk *w)
{
	const char *start, *next;

	while (*w->p != '\0') {
		if (*w->p == '"') {
			skip_string(w);
			continue;
		}
		if (isalpha((unsigned char)*w->p) || *w->p == '*') {
			start = w->p;
			w->p += strcspn(w->p, " \n=:\"{}[](),;");
			next = w->p + strspn(w->p, " \n");
			if (*next != '=' && *next != ':')
				continue;
			keep_name(w, start, (size_t)(w->p - start));
			return true;
		}
		if (strchr("{[(", *w->p) != NULL) {
			if (w->depth == GRAMMAR_DEPTH_MOST)
				return false;
			w->ends[w->depth++] = w->len;
			w->len = strlen(w->path);
		} else if (strchr("}])", *w->p) != NULL && w->depth > 0) {
			w->len = w->ends[--w->depth];
			w->path[w->len] = '\0';
		} else if (*w->p == '\n') {
			w->line++;
		}
		w->p++;
	}
	return false;
}

bool duplicate_find(const char *text, unsigned line, struct duplicate *out)
{
	struct walk second = {.p = text, .line = 1};
	struct walk first;

	while (find_name(&second) && second.line <= line) {
		if (second.line < line)
			continue;
		first = (struct walk){.p = text, .line = 1};
		while (find_name(&first) && first.p < second.p) {
			if (strcmp(first.path, second.path) != 0)
				continue;
			(void)snprintf(out->path, sizeof(out->path), "%s", second.path);
			out->first = first.line;
			out->second = second.line;
			return true;
		}
	}
	return false;
}
