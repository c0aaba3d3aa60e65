/* SPDX-License-Identifier: MIT */
/* Headers of the PROXY protocol's version 2, put together byte by byte and not by the code under test. */
#ifndef PREFORKD_TESTS_PROXY_SAMPLES_H
#define PREFORKD_TESTS_PROXY_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SAMPLE_SIGNATURE "\x0D\x0A\x0D\x0A\x00\x0D\x0A\x51\x55\x49\x54\x0A"

struct sample {
	uint8_t bytes[8192];
	size_t len;
};

static inline void sample_add(struct sample *s, const void *bytes, size_t len)
{
	memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
}

static inline void sample_set_length(struct sample *s)
{
	s->bytes[14] = (uint8_t)((s->len - 16) >> 8);
	s->bytes[15] = (uint8_t)(s->len - 16);
}

/* A header with these two bytes after the signature, and LEN bytes after its head. */
static inline void sample_v2(struct sample *s, uint8_t version_command, uint8_t family, const void *block, size_t len)
{
	s->len = 0;
	sample_add(s, SAMPLE_SIGNATURE, 12);
	sample_add(s, (uint8_t[]){version_command, family, 0, 0}, 4);
	sample_add(s, block, len);
	sample_set_length(s);
}

static inline void sample_tlv(struct sample *s, uint8_t type, const void *value, size_t len)
{
	sample_add(s, (uint8_t[]){type, (uint8_t)(len >> 8), (uint8_t)len}, 3);
	sample_add(s, value, len);
	sample_set_length(s);
}

/* One bit after the other. */
static inline uint32_t sample_crc(const uint8_t *bytes, size_t len)
{
	uint32_t crc = 0xFFFFFFFFU;

	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			uint32_t odd = (crc ^ (uint32_t)(bytes[i] >> bit)) & 1U;

			crc = crc >> 1 ^ (odd ? 0x82F63B78U : 0);
		}
	return crc ^ 0xFFFFFFFFU;
}

/* Puts the right sum into the four bytes at AT. */
static inline void sample_seal(struct sample *s, size_t at)
{
	uint32_t crc;

	memset(s->bytes + at, 0, 4);
	crc = sample_crc(s->bytes, s->len);
	for (int i = 0; i < 4; i++)
		s->bytes[at + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
}

static const uint8_t sample_inet[12] = {192, 0, 2, 7, 198, 51, 100, 9, 0x12, 0x67, 0x01, 0xBB};
static const uint8_t sample_inet6[36] = {0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    7,	   0x20, 0x01,
					 0x0D, 0xB8, 0,	   0,	 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0x12, 0x67, 0x01, 0xBB};

#endif
