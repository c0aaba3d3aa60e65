/* SPDX-License-Identifier: MIT */
/*
 * A million headers of the PROXY protocol with something wrong or something else in each, judged by the parser and by
 * another one written here, which goes about it in another way: version 1 is taken apart loosely, put together again as
 * the specification writes it, and compared; version 2 is eaten by functions that each take what they know.
 */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "net/proxy_header.h"

#include "../proxy_samples.h"
#include "../suite.h"

#define MUTANTS	      1000000
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t seed = 0x9E3779B97F4A7C15U;

static uint32_t chance(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

/* The checker, version 1: WORD ADDRESS ADDRESS PORT PORT, as a line without its end and without NULs. */

static bool is_dotted(const char *text)
{
	char again[64];
	unsigned a, b, c, d;

	if (sscanf(text, "%3u.%3u.%3u.%3u", &a, &b, &c, &d) != 4 || a > 255 || b > 255 || c > 255 || d > 255)
		return false;
	(void)snprintf(again, sizeof(again), "%u.%u.%u.%u", a, b, c, d);
	return strcmp(text, again) == 0;
}

/* Units of 16 bits in a run of groups between colons; -1: it is none. An empty run has none. */
static int count_units(char *run, bool dotted_end)
{
	int units = 0;
	char *group;

	if (*run == '\0')
		return 0;
	while ((group = strsep(&run, ":")) != NULL) {
		size_t digits = strspn(group, "0123456789abcdefABCDEF");

		if (run == NULL && dotted_end && strchr(group, '.') != NULL) {
			if (!is_dotted(group))
				return -1;
			units += 2;
			continue;
		}
		if (digits < 1 || digits > 4 || group[digits] != '\0')
			return -1;
		units++;
	}
	return units;
}

static bool is_v6(const char *text)
{
	char copy[128], *gap;
	int before, after;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	gap = strstr(copy, "::");
	if (gap == NULL)
		return count_units(copy, true) == 8;
	*gap = '\0';
	before = count_units(copy, false);
	after = count_units(gap + 2, true);
	return before >= 0 && after >= 0 && before + after <= 7;
}

static bool is_v1_line(const char *line)
{
	char word[8], from[64], to[64], again[256];
	unsigned from_port, to_port;

	if (strncmp(line, "PROXY UNKNOWN", 13) == 0)
		return true;
	if (sscanf(line, "PROXY %7s %63s %63s %5u %5u", word, from, to, &from_port, &to_port) != 5 ||
	    from_port > 65535 || to_port > 65535)
		return false;
	(void)snprintf(again, sizeof(again), "PROXY %s %s %s %u %u", word, from, to, from_port, to_port);
	if (strcmp(line, again) != 0)
		return false;
	if (strcmp(word, "TCP4") == 0)
		return is_dotted(from) && is_dotted(to);
	return strcmp(word, "TCP6") == 0 && is_v6(from) && is_v6(to);
}

static size_t check_v1(const uint8_t *bytes, size_t len)
{
	char line[PROXY_HEADER_V1_MAX + 1];
	size_t n;

	for (n = 0; n + 1 < len && n + 1 < PROXY_HEADER_V1_MAX; n++) {
		if (bytes[n] != '\r' || bytes[n + 1] != '\n')
			continue;
		memcpy(line, bytes, n);
		line[n] = '\0';
		if (strlen(line) < n && strncmp(line, "PROXY UNKNOWN", 13) != 0)
			return 0;
		return is_v1_line(line) ? n + 2 : 0;
	}
	return 0;
}

/* The checker, version 2: what is left to eat. */
struct food {
	const uint8_t *at, *end;
};

static int eat(struct food *food)
{
	return food->at < food->end ? *food->at++ : -1;
}

static bool eat_some(struct food *food, int n)
{
	while (n-- > 0)
		if (eat(food) < 0)
			return false;
	return true;
}

static int eat_16(struct food *food)
{
	int high = eat(food), low = eat(food);

	return high < 0 || low < 0 ? -1 : high * 256 + low;
}

static bool eat_tlv(struct food *food, const uint8_t **sum)
{
	int type = eat(food), len = eat_16(food);

	if (len < 0 || (type == 5 && len > 128))
		return false;
	if (type == 3) {
		if (len != 4 || *sum != NULL)
			return false;
		*sum = food->at;
	}
	return eat_some(food, len);
}

static bool right_sum(const uint8_t *bytes, size_t len, const uint8_t *sum)
{
	static struct sample copy;

	copy.len = 0;
	sample_add(&copy, bytes, len);
	sample_seal(&copy, (size_t)(sum - bytes));
	return memcmp(copy.bytes, bytes, len) == 0;
}

static size_t check_v2(const uint8_t *bytes, size_t len)
{
	static const int lengths[4] = {0, 12, 36, 216};
	struct food food = {bytes + 12, bytes + len}, block;
	int version = eat(&food), kind = eat(&food), size = eat_16(&food);
	const uint8_t *sum = NULL;

	if (size < 0 || size > 4096 || (version != 0x20 && version != 0x21))
		return 0;
	block = food;
	if (!eat_some(&food, size))
		return 0;
	block.end = food.at;
	if (version == 0x21) {
		if (kind >= 0x40 || kind % 16 >= 3)
			return 0;
		if (kind >= 0x10 && kind % 16 != 0) {
			if (!eat_some(&block, lengths[kind / 16]))
				return 0;
			while (block.at < block.end)
				if (!eat_tlv(&block, &sum))
					return 0;
			if (sum != NULL && !right_sum(bytes, (size_t)(food.at - bytes), sum))
				return 0;
		}
	}
	return (size_t)(food.at - bytes);
}

/* Length of the header that BYTES begin with; 0: with none that is whole and right. */
static size_t check(const uint8_t *bytes, size_t len)
{
	if (len >= 12 && memcmp(bytes, SAMPLE_SIGNATURE, 12) == 0)
		return check_v2(bytes, len);
	return check_v1(bytes, len);
}

/* The mutants */

static struct sample grown[24];
static size_t n_grown;

static void grow_line(const char *line)
{
	grown[n_grown].len = 0;
	sample_add(&grown[n_grown++], line, strlen(line));
}

static struct sample *grow(uint8_t version_command, uint8_t family, const void *block, size_t len)
{
	sample_v2(&grown[n_grown], version_command, family, block, len);
	return &grown[n_grown++];
}

static void grow_all(void)
{
	static const uint8_t path[216] = "/run/a";
	struct sample *s;

	grow_line("PROXY TCP4 192.168.0.1 10.20.30.255 56324 443\r\nGET / HTTP/1.1\r\n");
	grow_line("PROXY TCP4 1.2.3.4 5.6.7.8 1 0\r\n");
	grow_line("PROXY TCP6 2001:db8::1 ::1 65535 443\r\nx");
	grow_line("PROXY TCP6 1:2:3:4:5:6:7:8 1::8 80 443\r\n");
	grow_line("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.9 4711 443\r\n");
	grow_line("PROXY UNKNOWN\r\n");
	grow_line("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
		  "65535\r\n");
	(void)grow(0x20, 0x00, "", 0);
	(void)grow(0x21, 0x00, "", 0);
	(void)grow(0x21, 0x12, sample_inet, 12);
	(void)grow(0x21, 0x31, path, 216);
	sample_add(grow(0x21, 0x11, sample_inet, 12), "payload", 7);
	(void)grow(0x21, 0x21, sample_inet6, 36);
	s = grow(0x21, 0x11, sample_inet, 12);
	sample_tlv(s, 0x02, "example.com", 11);
	sample_tlv(s, 0x04, "", 0);
	sample_tlv(s, 0x20, "\1\0\0\0\0\x21\0\7TLSv1.3", 15);
	s = grow(0x21, 0x21, sample_inet6, 36);
	sample_tlv(s, 0x03, "\0\0\0\0", 4);
	sample_tlv(s, 0x05, "0123456789", 10);
	sample_seal(s, 16 + 36 + 3);
	s = grow(0x21, 0x11, sample_inet, 12);
	sample_tlv(s, 0x03, "\0\0\0\0", 4);
	sample_seal(s, 16 + 12 + 3);
}

static void insert(struct sample *s, size_t at, uint8_t byte)
{
	memmove(s->bytes + at + 1, s->bytes + at, s->len - at);
	s->bytes[at] = byte;
	s->len++;
}

static void remove_at(struct sample *s, size_t at)
{
	memmove(s->bytes + at, s->bytes + at + 1, s->len - at - 1);
	s->len--;
}

static void mutate(struct sample *s)
{
	static const char likely[] = " \r\n.:0123456789afgPROXYTCUNKW\0\x03\x04\x05\x10\x11\x20\x21\x22\x31\x32\xFF";
	uint8_t byte = (uint8_t)likely[chance(sizeof(likely) - 1)];
	size_t at = chance((uint32_t)s->len);

	switch (chance(7)) {
	case 0:
		s->bytes[at] = (uint8_t)chance(256);
		break;
	case 1:
		s->bytes[at] = byte;
		break;
	case 2:
		insert(s, at, byte);
		break;
	case 3:
		if (s->len > 1)
			remove_at(s, at);
		break;
	case 4:
		s->bytes[at] ^= (uint8_t)(1U << chance(8));
		break;
	case 5: /* what is there once more */
		insert(s, at, s->bytes[chance((uint32_t)s->len)]);
		break;
	default:
		if (chance(4) == 0)
			s->len = at + 1;
		break;
	}
}

/* So that not all of version 2 fails for its length or its sum. */
static void mend(struct sample *s)
{
	if (s->len < 16 || s->bytes[0] != '\r')
		return;
	if (chance(3) == 0 && s->len - 16 < 4096)
		sample_set_length(s);
	if (chance(3) == 0)
		for (size_t at = 28; at + 7 <= s->len; at++)
			if (memcmp(s->bytes + at, "\3\0\4", 3) == 0) {
				size_t len = s->len, whole = 16 + (size_t)s->bytes[14] * 256 + s->bytes[15];

				if (whole > len || whole < at + 7)
					return;
				s->len = whole;
				sample_seal(s, at + 3);
				s->len = len;
				return;
			}
}

static size_t judge(const struct sample *s)
{
	struct proxy_header header;
	enum proxy_parse state;
	size_t used, need, right = check(s->bytes, s->len);
	struct err err;

	state = proxy_header_parse(s->bytes, s->len, &header, &used, &need, &err);
	if ((state == PROXY_OK) != (right != 0) || (state == PROXY_OK && used != right) ||
	    (state == PROXY_MORE && need == 0)) {
		for (size_t i = 0; i < s->len; i++)
			(void)fprintf(stderr, isprint(s->bytes[i]) ? "%c" : "\\x%02x", s->bytes[i]);
		ck_abort_msg(" <- parser: %d, %zu bytes; checker: %zu bytes", (int)state, used, right);
	}
	return right;
}

START_TEST(a_million)
{
	static struct sample s;
	size_t taken = 0, not_taken = 0;

	grow_all();
	for (size_t i = 0; i < n_grown; i++)
		ck_assert_uint_gt(judge(&grown[i]), 0);
	for (int i = 0; i < MUTANTS; i++) {
		const struct sample *parent = &grown[chance((uint32_t)n_grown)];

		s.len = 0;
		sample_add(&s, parent->bytes, parent->len);
		for (uint32_t n = 1 + chance(3); n > 0; n--)
			mutate(&s);
		mend(&s);
		if (judge(&s) != 0)
			taken++;
		else
			not_taken++;
	}
	/* or it has seen one side only */
	ck_assert_uint_gt(taken, MUTANTS / 10);
	ck_assert_uint_gt(not_taken, MUTANTS / 10);
}
END_TEST

int main(void)
{
	return SUITE_RUN("proxy_mutants", NULL, a_million);
}
