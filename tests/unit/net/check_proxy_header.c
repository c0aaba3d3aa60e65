/* SPDX-License-Identifier: MIT */
/* PROXY headers of version 1; headers of both versions in pieces, and written by us. */
#include "net/proxy_header.h"

#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/err.h"

#include "../proxy_samples.h"
#include "../suite.h"
#include "proxy_header_case.h"

static const struct {
	const char *line, *source, *destination; /* NULL: not known */
} good[] = {
	{"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1:56324", "192.168.0.11:443"},
	{"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535",
	 "255.255.255.255:65535"},
	{"PROXY TCP4 0.0.0.0 10.0.0.1 0 1\r\n", "0.0.0.0:0", "10.0.0.1:1"},
	{"PROXY TCP6 2001:db8::1 ::1 56324 443\r\n", "[2001:db8::1]:56324", "[::1]:443"},
	{"PROXY TCP6 FFFF:ffff:FFFF:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	{"PROXY TCP6 0001:0002:0003:0004:0005:0006:0007:0008 1:2:3:4:5:6:7:: 1 2\r\n", "[1:2:3:4:5:6:7:8]:1",
	 "[1:2:3:4:5:6:7:0]:2"},
	{"PROXY TCP6 :: ::2:3:4:5:6:7:8 1 2\r\n", "[::]:1", "[0:2:3:4:5:6:7:8]:2"},
	{"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:c000:0209 1 2\r\n", "192.0.2.7:1", "192.0.2.9:2"},
	{"PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 2\r\n", "192.0.2.7:1", "[2001:db8::1]:2"},
	{"PROXY UNKNOWN\r\n", NULL, NULL},
	{"PROXY UNKNOWN \r\n", NULL, NULL},
	{"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
	 "65535\r\n",
	 NULL, NULL},
	{"PROXY UNKNOWN what\rever \n \r\r\n", NULL, NULL},
};

/* Alone, and with what may follow at once. */
START_TEST(version_1_good)
{
	static const char *const after[] = {"", "\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n", "x"};
	size_t len = strlen(good[_i].line);
	char line[256];

	for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
		(void)snprintf(line, sizeof(line), "%s%s", good[_i].line, after[i]);
		ck_assert_msg(parse(line, strlen(line)) == PROXY_OK, "%s: %s", line, err.text);
		ck_assert_uint_eq(used, len);
		ck_assert_int_eq(header.version, 1);
		ck_assert(!header.local);
		if (good[_i].source != NULL)
			expect(good[_i].source, good[_i].destination);
		else
			ck_assert(!header.known);
	}
}
END_TEST

static const char *const bad[] = {
	"PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
	"PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n",
	"PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8  1 2\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1  2\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
	"PROXY\tTCP4 1.2.3.4 5.6.7.8 1 2\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 \r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8\r\n",
	"PROXY TCP4 1.2.3.4\r\n",
	"PROXY TCP4 \r\n",
	"PROXY TCP4\r\n",
	"PROXY \r\n",
	"PROXY\r\n",
	"PROXYTCP4 1.2.3.4 5.6.7.8 1 2\r\n",
	"PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n",
	"PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n",
	"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
	"PROXY unknown\r\n",
	"PROXY UNKNOW\r\n",
	"PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n",
	"PROXY TCP4 1.2.3.00 5.6.7.8 1 2\r\n",
	"PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n",
	"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n",
	"PROXY TCP4 1.2.3.4.5 5.6.7.8 1 2\r\n",
	"PROXY TCP4 1..3.4 5.6.7.8 1 2\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.0x8 1 2\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.-8 1 2\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 00 2\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1 02\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1 4294967297\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1 2a\r\n",
	"PROXY TCP4 ::1 ::1 1 2\r\n",
	"PROXY TCP4 1.2.3.4 ::1 1 2\r\n",
	"PROXY TCP6 1.2.3.4 ::1 1 2\r\n",
	"PROXY TCP6 ::1 1.2.3.4 1 2\r\n",
	"PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n",
	"PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n",
	"PROXY TCP6 1::2::3 ::1 1 2\r\n",
	"PROXY TCP6 1:2:3:4:5:6:7:8:: ::1 1 2\r\n",
	"PROXY TCP6 ::1:2:3:4:5:6:7:8 ::1 1 2\r\n",
	"PROXY TCP6 ::: ::1 1 2\r\n",
	"PROXY TCP6 :1:2:3:4:5:6:7 ::1 1 2\r\n",
	"PROXY TCP6 1:2:3:4:5:6:7: ::1 1 2\r\n",
	"PROXY TCP6 ::12345 ::1 1 2\r\n",
	"PROXY TCP6 ::g ::1 1 2\r\n",
	"PROXY TCP6 ::ffff:1.2.3.04 ::1 1 2\r\n",
	"PROXY TCP6 [::1] ::1 1 2\r\n",
	"PROXY TCP6 fe80::1%lo ::1 1 2\r\n",
	/* ends that are none */
	"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rX",
	"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n\n",
};

START_TEST(version_1_bad)
{
	ck_assert_msg(parse(bad[_i], strlen(bad[_i])) == PROXY_BAD, "taken: %s", bad[_i]);
}
END_TEST

START_TEST(version_1_nul)
{
	static const char line[] = "PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n";
	static const char port[] = "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\0\r\n";

	ck_assert_int_eq(parse(line, sizeof(line) - 1), PROXY_BAD);
	ck_assert_int_eq(parse(port, sizeof(port) - 1), PROXY_BAD);
}
END_TEST

/* The line's end is among the first 107 bytes, or the line is none. */
START_TEST(version_1_length)
{
	char line[128];

	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN", 13);
	memcpy(line + 105, "\r\n", 2);
	ck_assert_int_eq(parse(line, sizeof(line)), PROXY_OK);
	ck_assert_uint_eq(used, PROXY_HEADER_V1_MAX);
	memcpy(line + 105, "x\r\n", 3);
	ck_assert_int_eq(parse(line, sizeof(line)), PROXY_BAD);
	ck_assert_int_eq(parse(line, 107), PROXY_BAD);
	ck_assert_int_eq(parse(line, 106), PROXY_MORE);
	line[105] = '\r';
	ck_assert_int_eq(parse(line, 106), PROXY_MORE);
	ck_assert_uint_eq(need, 1);
	memcpy(line, "PROXY TCP4 ", 11);
	memset(line + 11, '1', sizeof(line) - 11);
	ck_assert_int_eq(parse(line, 106), PROXY_MORE);
	ck_assert_int_eq(parse(line, 107), PROXY_BAD);
}
END_TEST

/* A client that sends bytes which cannot become a line is refused before the line's end. */
START_TEST(version_1_at_once)
{
	static const char *const hopeless[] = {"PROXYx",	 "PROXY x",	    "PROXY TCP5", "PROXY TCP4 x",
					       "PROXY TCP4 1\n", "PROXY TCP6 1\r1", "PROXY UNX"};

	for (size_t i = 0; i < ARRAY_SIZE(hopeless); i++)
		ck_assert_msg(parse(hopeless[i], strlen(hopeless[i])) == PROXY_BAD, "%s", hopeless[i]);
}
END_TEST

START_TEST(neither)
{
	static const char *const other[] = {"GET / HTTP/1.0\r\n",
					    "proxy TCP4",
					    "PROXX",
					    "P\r\n",
					    "\n",
					    "\r\n\r\nx",
					    "\r\nPROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
					    " PROXY",
					    "EHLO x\r\n",
					    "x"};
	static const char ssh[] = "SSH-2.0-OpenSSH\r\n";

	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		ck_assert_msg(parse(other[i], strlen(other[i])) == PROXY_NONE, "%s", other[i]);
	ck_assert_int_eq(parse(ssh, sizeof(ssh) - 1), PROXY_NONE);
	ck_assert_int_eq(parse("\0", 1), PROXY_NONE);
	sample_v2(&s, 0x21, 0x11, sample_inet, sizeof(sample_inet));
	for (size_t i = 0; i < 12; i++) { /* one byte of the signature is another one */
		s.bytes[i] ^= 0x20;
		ck_assert_int_eq(parse_sample(), PROXY_NONE);
		s.bytes[i] ^= 0x20;
	}
	ck_assert_int_eq(parse_sample(), PROXY_OK);
}
END_TEST

START_TEST(checksum)
{
	ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xE3069283U);
	ck_assert_uint_eq(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xE3069283U);
	ck_assert_uint_eq(crc32c(0, "", 0), 0);
	ck_assert_uint_eq(sample_crc((const uint8_t *)"123456789", 9), 0xE3069283U);
}
END_TEST

/* Every beginning of a header wants more, never more than there is of it, and following its wish leads to the end. */
static void check_pieces(const void *bytes, size_t whole)
{
	size_t len;

	for (len = 0; len < whole; len++) {
		ck_assert_msg(parse(bytes, len) == PROXY_MORE, "%zu of %zu bytes", len, whole);
		ck_assert_msg(need > 0 && need <= whole - len, "%zu of %zu bytes, wants %zu", len, whole, need);
		if (len == 0)
			ck_assert_uint_eq(need, PROXY_HEADER_MIN);
	}
	for (len = 0; len < whole; len += need)
		ck_assert_int_eq(parse(bytes, len), PROXY_MORE);
	ck_assert_uint_eq(len, whole);
	ck_assert_int_eq(parse(bytes, whole), PROXY_OK);
	ck_assert_uint_eq(used, whole);
}

START_TEST(split_at_every_byte)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (strstr(good[i].line, "whatever") == NULL)
			check_pieces(good[i].line, strlen(good[i].line));
	sample_v2(&s, 0x20, 0, "", 0);
	check_pieces(s.bytes, s.len);
	sample_v2(&s, 0x21, 0, "", 0);
	check_pieces(s.bytes, s.len);
	sample_v2(&s, 0x21, 0x11, sample_inet, sizeof(sample_inet));
	check_pieces(s.bytes, s.len);
	sample_tlv(&s, 0x03, "\0\0\0\0", 4);
	sample_seal(&s, s.len - 4);
	check_pieces(s.bytes, s.len);
	sample_v2(&s, 0x21, 0x21, sample_inet6, sizeof(sample_inet6));
	check_pieces(s.bytes, s.len);
}
END_TEST

static struct sockaddr_any address(const char *text)
{
	struct sockaddr_any out = {.len = 0};
	struct addr addr;

	ck_assert_int_eq(addr_parse(text, &addr, &err), 0);
	ck_assert_int_eq(addr_resolve(&addr, &out, 1, &err), 1);
	return out;
}

static const struct {
	const char *source, *destination;
	size_t len1, len2; /* of the two versions */
	bool known1, known2;
} written[] = {
	{"192.0.2.7:4711", "198.51.100.9:443", 44, 28, true, true},
	{"255.255.255.255:65535", "255.255.255.255:65535", 56, 28, true, true},
	{"0.0.0.0:0", "0.0.0.0:0", 32, 28, true, true},
	{"[2001:db8::7]:4711", "[::1]:443", 37, 52, true, true},
	{"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", 104, 52,
	 true, true},
	{"[::ffff:192.0.2.7]:1", "198.51.100.9:2", 0, 28, true, true},
	{"[::192.0.2.7]:1", "[::1]:2", 0, 52, true, true}, /* written with a dotted end */
	{"192.0.2.7:1", "[::1]:2", 37, 52, true, true},	   /* the IPv4 address is mapped */
	{"[2001:db8::7]:1", "192.0.2.7:2", 45, 52, true, true},
	{"[::ffff:192.0.2.1]:1", "[2001:db8::2]:2", 0, 52, true, true},
	{"unix:/run/a", "unix:@b", 15, 16, false, false},
	{"unix:/run/a", "[::1]:2", 15, 16, false, false},
};

START_TEST(what_is_written_parses_back)
{
	struct sockaddr_any source = address(written[_i].source), destination = address(written[_i].destination);
	char out[PROXY_HEADER_WRITTEN_MAX];

	for (int version = 1; version <= 2; version++) {
		bool known = version == 1 ? written[_i].known1 : written[_i].known2;
		size_t expected = version == 1 ? written[_i].len1 : written[_i].len2;
		size_t len = proxy_header_write(version, &source, &destination, out, sizeof(out));

		ck_assert_uint_gt(len, 0);
		if (expected != 0)
			ck_assert_uint_eq(len, expected);
		ck_assert_msg(parse(out, len) == PROXY_OK, "%s", err.text);
		ck_assert_uint_eq(used, len);
		ck_assert_int_eq(header.version, version);
		ck_assert_int_eq(header.known, known);
		ck_assert_int_eq(header.local, version == 2 && !known);
		addr_fold(&source);
		if (known) {
			ck_assert(addr_equal(&header.source, &source));
			ck_assert(addr_equal(&header.destination, &destination));
		}
		ck_assert_uint_eq(proxy_header_write(version, &source, &destination, out, sizeof(out) - 1), 0);
	}
}
END_TEST

START_TEST(written_as_specified)
{
	struct sockaddr_any source = address("192.0.2.7:4711"), destination = address("198.51.100.9:443");
	struct sockaddr_any none = {.len = 0};
	char out[PROXY_HEADER_WRITTEN_MAX];

	ck_assert_uint_eq(proxy_header_write(1, &source, &destination, out, sizeof(out)), 44);
	ck_assert_int_eq(memcmp(out, "PROXY TCP4 192.0.2.7 198.51.100.9 4711 443\r\n", 44), 0);
	sample_v2(&s, 0x21, 0x11, sample_inet, sizeof(sample_inet));
	ck_assert_uint_eq(proxy_header_write(2, &source, &destination, out, sizeof(out)), s.len);
	ck_assert_int_eq(memcmp(out, s.bytes, s.len), 0);
	ck_assert_uint_eq(proxy_header_write(2, &none, &none, out, sizeof(out)), 16);
	ck_assert_int_eq(memcmp(out, SAMPLE_SIGNATURE "\x20\x00\x00\x00", 16), 0);
	ck_assert_uint_eq(proxy_header_write(1, &none, &source, out, sizeof(out)), 15);
	destination = address("[2001:db8::2]:443");
	ck_assert_uint_eq(proxy_header_write(1, &source, &destination, out, sizeof(out)), 50);
	ck_assert_int_eq(memcmp(out, "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::2 4711 443\r\n", 50), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy_header");
	TCase *tcase = tcase_create("proxy_header");

	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_loop_test(tcase, version_1_good, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(tcase, version_1_bad, 0, ARRAY_SIZE(bad));
	tcase_add_test(tcase, version_1_nul);
	tcase_add_test(tcase, version_1_length);
	tcase_add_test(tcase, version_1_at_once);
	tcase_add_test(tcase, neither);
	tcase_add_test(tcase, checksum);
	tcase_add_test(tcase, split_at_every_byte);
	tcase_add_loop_test(tcase, what_is_written_parses_back, 0, ARRAY_SIZE(written));
	tcase_add_test(tcase, written_as_specified);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
