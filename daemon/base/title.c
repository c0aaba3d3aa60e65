/* SPDX-License-Identifier: MIT */
#include "base/title.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *area;	   /* the memory that ps shows */
static size_t area_size;   /* of it, with the final NUL */
static size_t prefix_size; /* of "preforkd: PREFIX " */
static size_t used;	   /* bytes of the last title, so that only those are cleared */

void title_init(int argc, char **argv)
{
	char *end;
	size_t n = 0;
	char **copy;

	if (argc < 1 || argv[0] == NULL)
		return;
	end = argv[0] + strlen(argv[0]) + 1;
	for (int i = 1; i < argc; i++)
		if (argv[i] == end)
			end += strlen(end) + 1;
	while (environ[n] != NULL)
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	if (copy == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		copy[i] = strdup(environ[i]);
		if (copy[i] == NULL) {
			while (i > 0)
				free(copy[--i]);
			free(copy);
			return;
		}
	}
	for (size_t i = 0; i < n; i++)
		if (environ[i] == end) /* contiguous, as the kernel lays it */
			end += strlen(end) + 1;
	/* Both stay to the end of the process: getenv() hands out pointers into the copy. */
	environ = copy;
	area = argv[0];
	area_size = (size_t)(end - area);
}

static void put(size_t at, const char *text)
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
	put(0, "preforkd: ");
	put(used, prefix);
	put(used, " ");
	prefix_size = used;
}

void title_rest(const char *rest)
{
	put(prefix_size, rest);
}
