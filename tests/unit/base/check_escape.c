/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/escape.h"

#include "../suite.h"

static const struct {
	const char *in, *out;
} cases[] = {
	{"plain text", "plain text"},
	{"", ""},
	{"a\nb\r\tc", "a\\x0ab\\x0d\\x09c"},
	{"\x1b[31mred", "\\x1b[31mred"},
	{"back\\slash", "back\\\\slash"},
	{"del\x7f", "del\\x7f"},
	{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
	{"\xff\xfe", "\\xff\\xfe"},
	{"\xc2\x9b"
	 "1m",
	 "\\xc2\\x9b1m"},			      /* C1: CSI */
	{"\xc0\xaf", "\\xc0\\xaf"},		      /* overlong / */
	{"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},	      /* overlong / */
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"},	      /* surrogate */
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
	{"cut\xe2\x82", "cut\\xe2\\x82"},
};

START_TEST(each_case)
{
	char out[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = escape_bytes(cases[i].in, strlen(cases[i].in), out, sizeof(out));

		ck_assert_str_eq(out, cases[i].out);
		ck_assert_uint_eq(n, strlen(out));
	}
}
END_TEST

START_TEST(a_tab_in_a_line)
{
	char out[64];

	(void)escape_line("a\tb\rc\0", 6, out, sizeof(out));
	ck_assert_str_eq(out, "a\tb\\x0dc\\x00");
}
END_TEST

START_TEST(nul_bytes_are_escaped)
{
	char out[32];

	(void)escape_bytes("a\0b", 3, out, sizeof(out));
	ck_assert_str_eq(out, "a\\x00b");
}
END_TEST

START_TEST(never_writes_past_the_end)
{
	char in[64], out[64];

	memset(in, '\n', sizeof(in));
	for (size_t size = 8; size <= sizeof(out); size++) {
		memset(out, '#', sizeof(out));
		size_t n = escape_bytes(in, sizeof(in), out, size);

		ck_assert_uint_lt(n, size);
		ck_assert_int_eq(out[n], '\0');
		ck_assert_str_eq(out + n - 3, "...");
		for (size_t i = size; i < sizeof(out); i++)
			ck_assert_int_eq(out[i], '#');
	}
}
END_TEST

START_TEST(what_just_fits_is_not_cut)
{
	char out[16];

	ck_assert_uint_eq(escape_bytes("123456789012", 12, out, sizeof(out)), 12);
	ck_assert_str_eq(out, "123456789012");
	(void)escape_bytes("1234567890123", 13, out, sizeof(out));
	ck_assert_str_eq(out, "123456789012...");
}
END_TEST

int main(void)
{
	return SUITE_RUN("escape", NULL, each_case, a_tab_in_a_line, nul_bytes_are_escaped, never_writes_past_the_end,
			 what_just_fits_is_not_cut);
}
