/* SPDX-License-Identifier: MIT */
#include "syntax/problems.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/arena.h"
#include "base/escape.h"
#include "syntax/origin.h"

struct entry {
	struct problem problem;
	size_t file; /* index into files[]; n_files: no file, or one that was never announced */
	int line;
	size_t number; /* in the order of reporting, which decides within one line */
};

struct problems {
	struct arena *arena;
	struct entry *entries;
	size_t n_entries;
	const char **files;
	size_t n_files;
};

struct problems *problems_new(void)
{
	struct problems *problems = arena_resize(NULL, 1, sizeof(*problems));

	memset(problems, 0, sizeof(*problems));
	problems->arena = arena_new();
	return problems;
}

void problems_free(struct problems **problems)
{
	if (*problems == NULL)
		return;
	arena_free(&(*problems)->arena);
	free((*problems)->entries);
	free((*problems)->files);
	free(*problems);
	*problems = NULL;
}

static size_t find_file(const struct problems *problems, const char *file)
{
	size_t i;

	for (i = 0; i < problems->n_files; i++) {
		if (strcmp(problems->files[i], file) == 0)
			break;
	}
	return i;
}

void problems_file(struct problems *problems, const char *file)
{
	size_t n = problems->n_files;

	if (find_file(problems, file) < n)
		return;
	problems->files = arena_resize(problems->files, n + 1, sizeof(*problems->files));
	problems->files[n] = arena_strdup(problems->arena, file);
	problems->n_files++;
}

const char *problems_file_get(const struct problems *problems, size_t i)
{
	return i < problems->n_files ? problems->files[i] : NULL;
}

static void format_place(const struct origin *where, char *out, size_t size)
{
	if (where == NULL || (where->file == NULL && where->line == 0))
		out[0] = '\0';
	else if (where->file == NULL)
		(void)snprintf(out, size, "-o: ");
	else if (where->line <= 0)
		(void)snprintf(out, size, "%.600s: ", where->file);
	else
		(void)snprintf(out, size, "%.600s:%d: ", where->file, where->line);
}

static struct problem *find_reported(const struct problems *problems, const char *text)
{
	size_t i;

	for (i = 0; i < problems->n_entries; i++) {
		if (strcmp(problems->entries[i].problem.text, text) == 0)
			return &problems->entries[i].problem;
	}
	return NULL;
}

struct problem *problems_vadd(struct problems *problems, int level, const struct origin *where, const char *key,
			      const char *fmt, va_list ap)
{
	char place[640], text[1200], line[2048], safe[2560];
	struct problem *reported;
	struct entry *entry;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	format_place(where, place, sizeof(place));
	(void)snprintf(line, sizeof(line), "%s%.160s%s%s", place, key != NULL ? key : "", key != NULL ? ": " : "",
		       text);
	(void)escape_bytes(line, strlen(line), safe, sizeof(safe));
	reported = find_reported(problems, safe);
	if (reported != NULL)
		return reported;
	problems->entries = arena_resize(problems->entries, problems->n_entries + 1, sizeof(*problems->entries));
	entry = &problems->entries[problems->n_entries];
	memset(entry, 0, sizeof(*entry));
	entry->problem.level = level;
	entry->problem.text = arena_strdup(problems->arena, safe);
	entry->number = problems->n_entries++;
	entry->file = problems->n_files;
	entry->line = INT_MAX;
	if (where != NULL && where->file != NULL) {
		entry->file = find_file(problems, where->file);
		entry->line = where->line;
	}
	return &entry->problem;
}

void problems_add(struct problems *problems, int level, const struct origin *where, const char *key, const char *fmt,
		  ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)problems_vadd(problems, level, where, key, fmt, ap);
	va_end(ap);
}

bool problems_have_error(const struct problems *problems)
{
	size_t i;

	for (i = 0; i < problems->n_entries; i++) {
		if (problems->entries[i].problem.level <= LOG_ERR)
			return true;
	}
	return false;
}

bool problems_may_pass(const struct problems *problems)
{
	size_t i;

	for (i = 0; i < problems->n_entries; i++) {
		if (problems->entries[i].problem.level <= LOG_ERR && !problems->entries[i].problem.may_pass)
			return false;
	}
	return problems_have_error(problems);
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

void problems_sort(struct problems *problems)
{
	size_t i;

	/* An entry without a file has the n_files of its time, which may be the index of a file announced later. */
	for (i = 0; i < problems->n_entries; i++) {
		if (problems->entries[i].line == INT_MAX)
			problems->entries[i].file = problems->n_files;
	}
	if (problems->n_entries > 0)
		qsort(problems->entries, problems->n_entries, sizeof(*problems->entries), compare_entries);
}

size_t problems_count(const struct problems *problems)
{
	return problems->n_entries;
}

const struct problem *problems_get(const struct problems *problems, size_t i)
{
	return i < problems->n_entries ? &problems->entries[i].problem : NULL;
}
