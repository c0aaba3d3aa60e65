/* SPDX-License-Identifier: MIT */
/*
 * Reads any bytes as a configuration file and as the argument of -o, and fills the values. Looks up no names, because
 * that would ask the resolver. A configuration without errors must print the same after it was printed and read again.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "config/build.h"
#include "config/config.h"
#include "config/load.h"
#include "config/values.h"
#include "syntax/problems.h"
#include "syntax/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes the bytes to a temporary file, and its name to PATH. */
static void write_file(char *path, const void *data, size_t size)
{
	int fd = mkstemp(path);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (out == NULL || fwrite(data, 1, size, out) != size || fclose(out) != 0)
		abort();
}

/* The configuration in the bytes, printed; the caller frees it. NULL: there is an error in it. */
static char *load_and_print(const void *data, size_t size)
{
	char path[] = "/tmp/fuzz_config.XXXXXX";
	struct arena *arena = arena_new();
	struct problems *problems = problems_new();
	struct config_store store = {.arena = arena};
	struct config config = {.store = &store};
	struct raws raws = {.list = NULL};
	char *text = NULL;
	size_t length;
	FILE *out;

	write_file(path, data, size);
	(void)read_file(path, false, arena, problems, &raws);
	(void)unlink(path);
	build_store(&raws, problems, &store);
	problems_sort(problems);
	if (!problems_have_error(problems)) {
		out = open_memstream(&text, &length);
		if (out == NULL)
			abort();
		config_print(&config, out);
		(void)fclose(out);
	}
	raw_clear(&raws);
	problems_free(&problems);
	arena_free(&arena);
	return text;
}

static void run_override(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct problems *problems = problems_new();
	struct config_store store = {.arena = arena};
	struct raws raws = {.list = NULL};
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	(void)read_override(text, arena, problems, &raws);
	build_store(&raws, problems, &store);
	free(text);
	raw_clear(&raws);
	problems_free(&problems);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *first, *second;

	run_override(data, size);
	first = load_and_print(data, size);
	if (first == NULL)
		return 0;
	second = load_and_print(first, strlen(first));
	if (second == NULL || strcmp(first, second) != 0)
		abort();
	free(first);
	free(second);
	return 0;
}
