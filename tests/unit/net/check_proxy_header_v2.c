/* SPDX-License-Identifier: MIT */
/* PROXY headers of version 2. */
#include "net/proxy_header.h"

#include <string.h>

#include "../proxy_samples.h"
#include "../suite.h"
#include "proxy_header_case.h"

START_TEST(version_2_inet)
{
	sample_v2(&s, 0x21, 0x11, sample_inet, sizeof(sample_inet));
	ck_assert_int_eq(parse_sample(), PROXY_OK);
	ck_assert_int_eq(header.version, 2);
	ck_assert(!header.local);
	ck_assert_uint_eq(used, 28);
	expect("192.0.2.7:4711", "198.51.100.9:443");
	sample_add(&s, "payload", 7);
	ck_assert_int_eq(parse_sample(), PROXY_OK);
	ck_assert_uint_eq(used, 28);
}
END_TEST

START_TEST(version_2_inet6)
{
	sample_v2(&s, 0x21, 0x21, sample_inet6, sizeof(sample_inet6));
	ck_assert_int_eq(parse_sample(), PROXY_OK);
	ck_assert_uint_eq(used, 52);
	expect("[2001:db8::7]:4711", "[2001:db8::9]:443");
	memset(s.bytes + 16, 0, 10); /* ::ffff:... */
	memset(s.bytes + 26, 0xFF, 2);
	memcpy(s.bytes + 28, "\xC0\x00\x02\x05", 4);
	ck_assert_int_eq(parse_sample(), PROXY_OK);
	expect("192.0.2.5:4711", "[2001:db8::9]:443");
	ck_assert_int_eq(header.source.sa.sa_family, AF_INET);
}
END_TEST

START_TEST(version_2_unix)
{
	char block[216] = "/run/a";

	memcpy(block + 108, "\0name", 5);
	sample_v2(&s, 0x21, 0x31, block, sizeof(block));
	ck_assert_int_eq(parse_sample(), PROXY_OK);
	ck_assert_uint_eq(used, 232);
	expect("unix:/run/a", "unix:@name");
	memset(block, 'x', sizeof(block)); /* no NUL anywhere */
	block[0] = '/';
	memset(block + 108, 0, 108);
	sample_v2(&s, 0x21, 0x31, block, sizeof(block));
	ck_assert_int_eq(parse_sample(), PROXY_OK);
	ck_assert_uint_eq(header.source.len, sizeof(sa_family_t) + 108);
	ck_assert_int_eq(memcmp(header.source.un.sun_path, block, 108), 0);
	ck_assert_uint_eq(header.destination.len, sizeof(sa_family_t));
}
END_TEST

/* Too short a block for the addresses that it is said to hold; one byte more would do. */
START_TEST(version_2_length)
{
	static const struct {
		uint8_t family;
		size_t len;
	} families[] = {{0x11, 12}, {0x12, 12}, {0x21, 36}, {0x22, 36}, {0x31, 216}, {0x32, 216}};
	static const uint8_t zero[256];

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		sample_v2(&s, 0x21, families[i].family, zero, families[i].len - 1);
		ck_assert_int_eq(parse_sample(), PROXY_BAD);
		ck_assert_int_eq(parse(s.bytes, 16), PROXY_BAD); /* at once */
		sample_v2(&s, 0x21, families[i].family, zero, 0);
		ck_assert_int_eq(parse_sample(), PROXY_BAD);
		sample_v2(&s, 0x21, families[i].family, zero, families[i].len);
		ck_assert_int_eq(parse_sample(), PROXY_OK);
	}
}
END_TEST

/* Second nibble: all but 0 and 1; first: all but 2; family and transport: all but 0 to 3 and 0 to 2. */
START_TEST(version_2_numbers)
{
	static const uint8_t zero[216];

	for (int i = 0; i < 256; i++) {
		sample_v2(&s, (uint8_t)i, 0x11, sample_inet, sizeof(sample_inet));
		ck_assert_int_eq(parse_sample(), i == 0x20 || i == 0x21 ? PROXY_OK : PROXY_BAD);
		ck_assert_int_eq(parse(s.bytes, 13), i == 0x20 || i == 0x21 ? PROXY_MORE : PROXY_BAD);
		sample_v2(&s, 0x21, (uint8_t)i, zero, sizeof(zero));
		ck_assert_int_eq(parse(s.bytes, 14), i >> 4 <= 3 && (i & 15) <= 2 ? PROXY_MORE : PROXY_BAD);
		ck_assert_int_eq(parse_sample(), i >> 4 <= 3 && (i & 15) <= 2 ? PROXY_OK : PROXY_BAD);
		ck_assert_int_eq(header.known, i == 0x11 || i == 0x21 || i == 0x31);
	}
}
END_TEST

/* The block is passed over, whatever it is said to be and to hold. */
START_TEST(version_2_local)
{
	for (int family = 0; family < 256; family++) {
		sample_v2(&s, 0x20, (uint8_t)family, "\x03\x00\x04zzzzz", 8);
		sample_add(&s, "payload", 7);
		ck_assert_int_eq(parse_sample(), PROXY_OK);
		ck_assert_uint_eq(used, 24);
		ck_assert(header.local);
		ck_assert(!header.known);
	}
	sample_v2(&s, 0x20, 0, "", 0);
	ck_assert_int_eq(parse_sample(), PROXY_OK);
	ck_assert_uint_eq(used, 16);
}
END_TEST

/* Unspecified: accepted, the addresses unused, of whatever length. */
START_TEST(version_2_unspecified)
{
	static const uint8_t families[] = {0x00, 0x01, 0x02, 0x10, 0x20, 0x30};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		for (size_t len = 0; len < 20; len++) {
			sample_v2(&s, 0x21, families[i], "01234567890123456789", len);
			ck_assert_int_eq(parse_sample(), PROXY_OK);
			ck_assert(!header.known && !header.local);
			ck_assert_uint_eq(used, 16 + len);
		}
	}
}
END_TEST

START_TEST(version_2_tlvs)
{
	static const uint8_t id[129];
	static uint8_t noop[4200];

	sample_v2(&s, 0x21, 0x11, sample_inet, sizeof(sample_inet));
	sample_tlv(&s, 0x01, "h2", 2);
	sample_tlv(&s, 0x02, "example.com", 11);
	sample_tlv(&s, 0x04, "", 0);
	sample_tlv(&s, 0x05, id, 128);
	sample_tlv(&s, 0xEA, "whatever", 8);
	sample_tlv(&s, 0xFF, id, 129);
	ck_assert_int_eq(parse_sample(), PROXY_OK);
	ck_assert_uint_eq(used, s.len);
	expect("192.0.2.7:4711", "198.51.100.9:443");
	for (size_t len = 1; len < 3; len++) { /* less than a TLV */
		sample_v2(&s, 0x21, 0x11, sample_inet, sizeof(sample_inet));
		sample_add(&s, "\x04\x00", len);
		sample_set_length(&s);
		ck_assert_int_eq(parse_sample(), PROXY_BAD);
	}
	sample_v2(&s, 0x21, 0x11, sample_inet, sizeof(sample_inet));
	sample_tlv(&s, 0x04, "abc", 3);
	s.bytes[30] = 4; /* one byte more than there is, though payload follows */
	sample_add(&s, "payload", 7);
	ck_assert_int_eq(parse_sample(), PROXY_BAD);
	s.bytes[30] = 2; /* one less: what is left is too little for another */
	ck_assert_int_eq(parse_sample(), PROXY_BAD);
	sample_v2(&s, 0x21, 0x11, sample_inet, sizeof(sample_inet));
	sample_tlv(&s, 0x05, id, 129);
	ck_assert_int_eq(parse_sample(), PROXY_BAD);
	/* the longest, and one byte more */
	sample_v2(&s, 0x21, 0x11, sample_inet, sizeof(sample_inet));
	sample_tlv(&s, 0x04, noop, 4096 - 12 - 3);
	ck_assert_uint_eq(s.len, PROXY_HEADER_V2_MAX);
	ck_assert_int_eq(parse_sample(), PROXY_OK);
	sample_v2(&s, 0x21, 0x11, sample_inet, sizeof(sample_inet));
	sample_tlv(&s, 0x04, noop, 4096 - 12 - 3 + 1);
	ck_assert_int_eq(parse_sample(), PROXY_BAD);
	ck_assert_int_eq(parse(s.bytes, 16), PROXY_BAD);
	s.bytes[12] = 0x20;
	ck_assert_int_eq(parse(s.bytes, 16), PROXY_BAD);
}
END_TEST

START_TEST(version_2_checksum)
{
	sample_v2(&s, 0x21, 0x21, sample_inet6, sizeof(sample_inet6));
	sample_tlv(&s, 0x04, "before", 6);
	sample_tlv(&s, 0x03, "\0\0\0\0", 4);
	size_t at = s.len - 4, whole;

	sample_tlv(&s, 0x04, "after", 5);
	sample_seal(&s, at);
	whole = s.len;
	sample_add(&s, "payload is not summed up", 24);
	ck_assert_int_eq(parse_sample(), PROXY_OK);
	ck_assert_uint_eq(used, whole);
	for (size_t i = 16; i < whole; i++) { /* one bit, wherever it is */
		if (i == at - 3)	      /* of the type: then there is no checksum */
			continue;
		s.bytes[i] ^= 1;
		ck_assert_int_eq(parse_sample(), PROXY_BAD);
		s.bytes[i] ^= 1;
	}
	s.len = whole;
	sample_tlv(&s, 0x03, s.bytes + at, 4); /* twice */
	ck_assert_int_eq(parse_sample(), PROXY_BAD);
	for (size_t len = 0; len < 6; len++) { /* of another length */
		sample_v2(&s, 0x21, 0x11, sample_inet, sizeof(sample_inet));
		sample_tlv(&s, 0x03, "\0\0\0\0\0", len);
		if (len == 4)
			sample_seal(&s, s.len - 4);
		ck_assert_int_eq(parse_sample(), len == 4 ? PROXY_OK : PROXY_BAD);
	}
	sample_v2(&s, 0x21, 0x12, sample_inet, sizeof(sample_inet)); /* a datagram's too */
	sample_tlv(&s, 0x03, "\0\0\0\0", 4);
	ck_assert_int_eq(parse_sample(), PROXY_BAD);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy_header_v2");
	TCase *tcase = tcase_create("proxy_header_v2");

	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_test(tcase, version_2_inet);
	tcase_add_test(tcase, version_2_inet6);
	tcase_add_test(tcase, version_2_unix);
	tcase_add_test(tcase, version_2_length);
	tcase_add_test(tcase, version_2_numbers);
	tcase_add_test(tcase, version_2_local);
	tcase_add_test(tcase, version_2_unspecified);
	tcase_add_test(tcase, version_2_tlvs);
	tcase_add_test(tcase, version_2_checksum);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
