/* SPDX-License-Identifier: MIT */
/* Requests as the user writes them. */
#include <string.h>
#include <unistd.h>

#include "base/err.h"

#include "../../../client/load_content.h"

#include "../suite.h"

static struct err err;

static void expect(const char *text, const char *bytes, size_t size)
{
	size_t got;
	unsigned char *content = load_content_unescape(text, &got, &err);

	ck_assert_msg(content != NULL, "%s", err.text);
	ck_assert_uint_eq(got, size);
	ck_assert_int_eq(memcmp(content, bytes, size), 0);
	free(content);
}

START_TEST(escapes_become_bytes)
{
	expect("", "", 0);
	expect("plain text", "plain text", 10);
	expect("GET / HTTP/1.0\\r\\n\\r\\n", "GET / HTTP/1.0\r\n\r\n", 18);
	expect("\\t\\\\n", "\t\\n", 3);
	expect("a\\0b", "a\0b", 3);
	expect("\\x00\\x7f\\xFFf",
	       "\0\x7f\xff"
	       "f",
	       4);
}
END_TEST

START_TEST(other_escapes_are_errors)
{
	static const char *const texts[] = {"\\", "a\\q", "\\x", "\\x1", "\\xg0", "\\x0g"};
	size_t size;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_ptr_null(load_content_unescape(texts[i], &size, &err));
}
END_TEST

START_TEST(files_are_read_whole)
{
	char path[] = "check_load_content.XXXXXX", data[200001];
	int fd = mkstemp(path);
	unsigned char *content;
	size_t size;

	memset(data, 'x', sizeof(data));
	data[0] = '\0';
	ck_assert_int_eq(write(fd, data, sizeof(data)), (ssize_t)sizeof(data));
	(void)close(fd);
	content = load_content_read(path, sizeof(data), &size, &err);
	ck_assert_msg(content != NULL, "%s", err.text);
	ck_assert_uint_eq(size, sizeof(data));
	ck_assert_int_eq(memcmp(content, data, size), 0);
	free(content);
	ck_assert_ptr_null(load_content_read(path, sizeof(data) - 1, &size, &err));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_ptr_null(load_content_read(path, sizeof(data), &size, &err));
}
END_TEST

START_TEST(no_shift_repeats_another)
{
	unsigned char *content = load_content_make(64, &err);

	ck_assert_ptr_nonnull(content);
	for (unsigned i = 0; i < LOAD_SHIFTS; i++) {
		for (unsigned j = i + 1; j < LOAD_SHIFTS; j += 13)
			ck_assert_int_ne(memcmp(content + i, content + j, 64), 0);
	}
	free(content);
}
END_TEST

int main(void)
{
	return SUITE_RUN("load_content", NULL, escapes_become_bytes, other_escapes_are_errors, files_are_read_whole,
			 no_shift_repeats_another);
}
