/* SPDX-License-Identifier: MIT */
#include "load_content.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define PIECE 65536

unsigned char *load_content_make(size_t size, struct err *err)
{
	unsigned char *content = malloc(size + LOAD_SHIFTS);
	uint32_t x = 2463534242U;
	size_t i;

	if (content == NULL) {
		(void)err_sys(err, "no memory for requests of %zu bytes", size);
		return NULL;
	}
	for (i = 0; i < size + LOAD_SHIFTS; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		content[i] = (unsigned char)(x >> 24);
	}
	return content;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *p = c == '\0' ? NULL : strchr(digits, c);

	return p == NULL ? -1 : (int)((p - digits) % 16);
}

/* Takes one byte from *TEXT and advances it. 0, or -1 if there is no such escape. */
static int take_byte(const char **text, unsigned char *out)
{
	static const char names[] = "nrt\\0", bytes[] = "\n\r\t\\";
	const char *p = *text, *name;

	if (*p != '\\') {
		*out = (unsigned char)*p;
		*text = p + 1;
		return 0;
	}
	if (p[1] == 'x' && hex_digit(p[2]) >= 0 && hex_digit(p[3]) >= 0) {
		*out = (unsigned char)(hex_digit(p[2]) * 16 + hex_digit(p[3]));
		*text = p + 4;
		return 0;
	}
	name = p[1] == '\0' ? NULL : strchr(names, p[1]);
	if (name == NULL)
		return -1;
	*out = (unsigned char)bytes[name - names];
	*text = p + 2;
	return 0;
}

unsigned char *load_content_unescape(const char *text, size_t *size_out, struct err *err)
{
	unsigned char *content = malloc(strlen(text) + 1);
	size_t n = 0;

	if (content == NULL) {
		(void)err_sys(err, "no memory for the request");
		return NULL;
	}
	while (*text != '\0') {
		if (take_byte(&text, &content[n++]) < 0) {
			(void)err_set(err,
				      "\"%.16s\": after a backslash comes n, r, t, 0, a backslash "
				      "or x and two digits",
				      text);
			free(content);
			return NULL;
		}
	}
	*size_out = n;
	return content;
}

/* All of FILE; NULL with errno: an error, more than MAX bytes, or no memory. */
static unsigned char *read_all(FILE *file, size_t max, size_t *size_out)
{
	unsigned char *content = NULL;
	size_t size = 0, room = 0;

	for (;;) {
		if (size == room) {
			unsigned char *larger = realloc(content, room = 2 * room + PIECE);

			if (larger == NULL)
				break;
			content = larger;
		}
		size += fread(content + size, 1, room - size, file);
		if (feof(file) && size <= max) {
			*size_out = size;
			return content;
		}
		if (ferror(file))
			break;
		if (size > max) {
			errno = EFBIG;
			break;
		}
	}
	free(content);
	return NULL;
}

unsigned char *load_content_read(const char *path, size_t max, size_t *size_out, struct err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	unsigned char *content;

	if (file == NULL) {
		(void)err_sys(err, "cannot open %.200s", path);
		return NULL;
	}
	content = read_all(file, max, size_out);
	if (content == NULL)
		(void)err_sys(err, "cannot read %.200s", path);
	if (!is_stdin)
		(void)fclose(file);
	return content;
}
