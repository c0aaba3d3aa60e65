/* SPDX-License-Identifier: MIT */
/* Any process. CRC-32C (Castagnoli; RFC 4960, appendix B). */
#ifndef PREFORKD_BASE_CRC32C_H
#define PREFORKD_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues the checksum CRC (0: of no bytes) over LEN more bytes. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
