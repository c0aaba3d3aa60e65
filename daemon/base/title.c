/* SPDX-License-Identifier: MIT */
#include "base/title.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *area;	   /* the memory that ps(1) shows */
static size_t area_size;   /* with the final NUL */
static size_t prefix_size; /* length of "preforkd: PREFIX " */
static size_t used;	   /* length of the title, so that no more is cleared */

/* Moves the environment to memory that is never freed, because getenv(3) returns pointers into it. False: no memory;
 * nothing has changed. */
static bool move_environment(void)
{
	static char **list, *strings;
	size_t n = 0, size = 0;

	for (; environ[n] != NULL; n++)
		size += strlen(environ[n]) + 1;
	list = calloc(n + 1, sizeof(*list));
	strings = malloc(size + 1);
	if (list == NULL || strings == NULL) {
		free(list);
		free(strings);
		return false;
	}
	for (size_t i = 0, at = 0; i < n; i++) {
		size_t len = strlen(environ[i]) + 1;

		list[i] = memcpy(strings + at, environ[i], len);
		at += len;
	}
	environ = list;
	return true;
}

void title_init(int argc, char **argv)
{
	char *end;

	if (argc < 1 || argv[0] == NULL)
		return;
	end = argv[0] + strlen(argv[0]) + 1;
	for (int i = 1; i < argc; i++)
		if (argv[i] == end) /* contiguous, as the kernel stores them */
			end += strlen(end) + 1;
	for (size_t i = 0; environ[i] != NULL; i++)
		if (environ[i] == end)
			end += strlen(end) + 1;
	if (!move_environment())
		return;
	area = argv[0];
	area_size = (size_t)(end - area);
}

static void put_text(size_t at, const char *text)
{
	size_t len = strlen(text);

	if (area == NULL || at + 1 >= area_size)
		return;
	if (len > area_size - 1 - at)
		len = area_size - 1 - at;
	memcpy(area + at, text, len);
	if (used > at + len)
		memset(area + at + len, 0, used - at - len);
	used = at + len;
}

void title_prefix(const char *prefix)
{
	if (area == NULL)
		return;
	memset(area, 0, area_size);
	used = 0;
	put_text(0, "preforkd: ");
	put_text(used, prefix);
	put_text(used, " ");
	prefix_size = used;
}

void title_rest(const char *rest)
{
	put_text(prefix_size, rest);
}
