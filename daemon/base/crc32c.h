/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli; RFC 4960, appendix B). */
#ifndef PREFORKD_BASE_CRC32C_H
#define PREFORKD_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what CRC is the checksum of (0: nothing) and LEN more bytes after it. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
