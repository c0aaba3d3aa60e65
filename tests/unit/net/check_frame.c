/* SPDX-License-Identifier: MIT */
/* Frames of the control socket: what is whole, what may become so, and what never will. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#include "net/frame.h"

#include "../suite.h"

static struct err err;
static size_t len;

static void setup(void)
{
	memset(&err, 0, sizeof(err));
	len = 4711;
}

START_TEST(the_head_is_laid_out_as_agreed)
{
	unsigned char head[FRAME_HEAD];

	frame_head(head, 0x01020304);
	ck_assert_mem_eq(head, "PFD\x01\x01\x02\x03\x04", FRAME_HEAD);
	frame_head(head, 0xfffefdfc);
	ck_assert_mem_eq(head, "PFD\x01\xff\xfe\xfd\xfc", FRAME_HEAD);
}
END_TEST

START_TEST(a_frame_comes_byte_by_byte)
{
	static const char stream[] = "PFD\x01\0\0\0\x02{}PFD";
	size_t n;

	for (n = 0; n < FRAME_HEAD + 2; n++) {
		ck_assert_int_eq(frame_look(stream, n, 2, &len, &err), FRAME_MORE);
		ck_assert_uint_eq(len, n < FRAME_HEAD ? 0 : 2);
	}
	/* more behind it changes nothing */
	for (; n < sizeof(stream); n++) {
		ck_assert_int_eq(frame_look(stream, n, 2, &len, &err), FRAME_WHOLE);
		ck_assert_uint_eq(len, 2);
	}
	ck_assert_str_eq(err.text, "");
}
END_TEST

START_TEST(nothing_at_all)
{
	ck_assert_int_eq(frame_look(NULL, 0, 2, &len, &err), FRAME_MORE);
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(an_empty_body_is_whole)
{
	ck_assert_int_eq(frame_look("PFD\x01\0\0\0\0", FRAME_HEAD, 0, &len, &err), FRAME_WHOLE);
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(another_protocol_is_seen_at_its_first_wrong_byte)
{
	ck_assert_int_eq(frame_look("G", 1, 10, &len, &err), FRAME_BAD);
	ck_assert_str_eq(err.text, "this is not the protocol of preforkd");
	ck_assert_int_eq(frame_look("PF", 2, 10, &len, NULL), FRAME_MORE);
	ck_assert_int_eq(frame_look("PFX", 3, 10, &len, NULL), FRAME_BAD);
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(another_version_names_both)
{
	ck_assert_int_eq(frame_look("PFD\xc8", 4, 10, &len, &err), FRAME_BAD);
	ck_assert_str_eq(err.text, "the other side speaks version 200 of the protocol, this one version 1");
}
END_TEST

START_TEST(the_limit_is_inclusive)
{
	static const char stream[] = "PFD\x01\0\x01\0\0";

	ck_assert_int_eq(frame_look(stream, FRAME_HEAD, 65536, &len, &err), FRAME_MORE);
	ck_assert_uint_eq(len, 65536);
	ck_assert_int_eq(frame_look(stream, FRAME_HEAD, 65535, &len, &err), FRAME_BAD);
	ck_assert_uint_eq(len, 0);
	ck_assert_str_eq(err.text, "a message of 65536 bytes is longer than the 65535 that are allowed");
	ck_assert_int_eq(frame_look("PFD\x01\xff\xff\xff\xff", FRAME_HEAD, FRAME_REPLY_MAX, &len, NULL), FRAME_BAD);
}
END_TEST

int main(void)
{
	return SUITE_RUN("frame", setup, the_head_is_laid_out_as_agreed, a_frame_comes_byte_by_byte, nothing_at_all,
			 an_empty_body_is_whole, another_protocol_is_seen_at_its_first_wrong_byte,
			 another_version_names_both, the_limit_is_inclusive);
}
