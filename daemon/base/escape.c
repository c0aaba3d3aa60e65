/* SPDX-License-Identifier: MIT */
#include "base/escape.h"

#include <string.h>

/* The length of the well-formed UTF-8 sequence of 2 to 4 bytes at P (RFC 3629); 0: none. */
static size_t get_utf8_length(const unsigned char *p, size_t left)
{
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if (p[0] == 0xc2 && p[1] < 0xa0)
		return 0; /* C1: terminals treat them as control characters */
	if (p[0] == 0xe0 && p[1] < 0xa0)
		return 0; /* overlong */
	if (p[0] == 0xed && p[1] > 0x9f)
		return 0; /* surrogates */
	if (p[0] == 0xf0 && p[1] < 0x90)
		return 0; /* overlong */
	if (p[0] == 0xf4 && p[1] > 0x8f)
		return 0; /* above U+10FFFF */
	return n;
}

/* Copies IN to OUT; the control character KEPT ('\0': none) stays. */
static size_t copy_escaped(const char *in, size_t len, char kept, char *out, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = (const unsigned char *)in;
	size_t limit = size - 4; /* room for "..." and the end */
	size_t used = 0;

	for (size_t i = 0; i < len;) {
		char piece[4];
		size_t n = 1, take = 1;

		if (p[i] == '\\') {
			piece[0] = piece[1] = '\\';
			n = 2;
		} else if ((p[i] >= 0x20 && p[i] < 0x7f) || (p[i] == kept && kept != '\0')) {
			piece[0] = (char)p[i];
		} else if (p[i] >= 0x80 && (take = get_utf8_length(p + i, len - i)) > 0) {
			memcpy(piece, p + i, take);
			n = take;
		} else {
			piece[0] = '\\';
			piece[1] = 'x';
			piece[2] = hex[p[i] >> 4];
			piece[3] = hex[p[i] & 15];
			n = 4;
			take = 1;
		}
		if (used + n > limit) {
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		memcpy(out + used, piece, n);
		used += n;
		i += take;
	}
	out[used] = '\0';
	return used;
}

size_t escape_bytes(const char *in, size_t len, char *out, size_t size)
{
	return copy_escaped(in, len, '\0', out, size);
}

size_t escape_line(const char *in, size_t len, char *out, size_t size)
{
	return copy_escaped(in, len, '\t', out, size);
}
