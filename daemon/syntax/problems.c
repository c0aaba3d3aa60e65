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
	struct arena *arena; /* has all of it, this struct included */
	bool is_guest;	     /* the arena is somebody else's */
	struct entry *entries;
	size_t n_entries, room_entries;
	const char **files;
	size_t n_files, room_files;
	struct problem lost; /* stands for one that could not be added */
};

struct problems *problems_new(void)
{
	struct problems *problems = problems_in(arena_new());

	problems->is_guest = false;
	return problems;
}

struct problems *problems_try_new(void)
{
	struct arena *arena = arena_try_new();
	struct problems *problems = arena != NULL ? problems_in(arena) : NULL;

	if (problems != NULL)
		problems->is_guest = false;
	else
		arena_free(&arena);
	return problems;
}

struct problems *problems_in(struct arena *arena)
{
	struct problems *problems = arena_alloc(arena, sizeof(*problems));

	if (problems != NULL)
		*problems = (struct problems){.arena = arena, .is_guest = true};
	return problems;
}

void problems_free(struct problems **problems)
{
	struct arena *arena = *problems != NULL && !(*problems)->is_guest ? (*problems)->arena : NULL;

	*problems = NULL;
	arena_free(&arena);
}

/* Returns LIST of N elements with room for one more, in the arena. NULL: no memory; LIST stays as it is. */
static void *grow_list(struct arena *arena, void *list, size_t n, size_t size, size_t *room)
{
	size_t wanted = n == 0 ? 8 : 2 * n;
	void *grown;

	if (n < *room)
		return list;
	grown = arena_alloc(arena, wanted * size);
	if (grown == NULL)
		return NULL;
	if (n > 0)
		memcpy(grown, list, n * size);
	*room = wanted;
	return grown;
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
	const char **files, *copy;

	if (find_file(problems, file) < n)
		return;
	copy = arena_strdup(problems->arena, file);
	files = grow_list(problems->arena, problems->files, n, sizeof(*files), &problems->room_files);
	if (copy == NULL || files == NULL)
		return;
	problems->files = files;
	problems->files[problems->n_files++] = copy;
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
	struct entry *entry, *entries;
	const char *copy;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	format_place(where, place, sizeof(place));
	(void)snprintf(line, sizeof(line), "%s%.160s%s%s", place, key != NULL ? key : "", key != NULL ? ": " : "",
		       text);
	(void)escape_bytes(line, strlen(line), safe, sizeof(safe));
	reported = find_reported(problems, safe);
	if (reported != NULL)
		return reported;
	copy = arena_strdup(problems->arena, safe);
	entries = grow_list(problems->arena, problems->entries, problems->n_entries, sizeof(*entries),
			    &problems->room_entries);
	if (copy == NULL || entries == NULL)
		return &problems->lost;
	problems->entries = entries;
	entry = &entries[problems->n_entries];
	*entry = (struct entry){.problem = {.level = level, .text = copy}};
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
