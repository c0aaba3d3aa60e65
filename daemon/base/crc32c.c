/* SPDX-License-Identifier: MIT */
#include "base/crc32c.h"

/* Four bits at a time: the inputs are short, and a small table stays in the cache. */
static const uint32_t table[16] = {
	0x00000000U, 0x105ec76fU, 0x20bd8edeU, 0x30e349b1U, 0x417b1dbcU, 0x5125dad3U, 0x61c69362U, 0x7198540dU,
	0x82f63b78U, 0x92a8fc17U, 0xa24bb5a6U, 0xb21572c9U, 0xc38d26c4U, 0xd3d3e1abU, 0xe330a81aU, 0xf36e6f75U,
};

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	crc = ~crc;
	for (; len > 0; len--) {
		crc ^= *at++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}
