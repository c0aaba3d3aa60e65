/* SPDX-License-Identifier: MIT */
#include "net/frame.h"

#include <string.h>

#include "base/err.h"

#define MAGIC_LENGTH 3
#define VERSION_AT   3
#define LENGTH_AT    4

static const unsigned char magic[MAGIC_LENGTH] = {'P', 'F', 'D'};

void frame_head(unsigned char out[FRAME_HEAD], uint32_t len)
{
	memcpy(out, magic, sizeof(magic));
	out[VERSION_AT] = FRAME_VERSION;
	out[LENGTH_AT] = (unsigned char)(len >> 24);
	out[LENGTH_AT + 1] = (unsigned char)(len >> 16);
	out[LENGTH_AT + 2] = (unsigned char)(len >> 8);
	out[LENGTH_AT + 3] = (unsigned char)len;
}

enum frame_state frame_look(const void *data, size_t have, size_t max, size_t *len_out, struct err *err)
{
	const unsigned char *p = data;
	uint32_t len;

	*len_out = 0;
	/* A wrong first byte is refused at once, before the head is complete. */
	if (have > 0 && memcmp(p, magic, have < sizeof(magic) ? have : sizeof(magic)) != 0) {
		(void)err_set(err, "this is not the protocol of preforkd");
		return FRAME_BAD;
	}
	if (have > VERSION_AT && p[VERSION_AT] != FRAME_VERSION) {
		(void)err_set(err, "the other side speaks version %u of the protocol, this one version %d",
			      p[VERSION_AT], FRAME_VERSION);
		return FRAME_BAD;
	}
	if (have < FRAME_HEAD)
		return FRAME_MORE;
	len = (uint32_t)p[LENGTH_AT] << 24 | (uint32_t)p[LENGTH_AT + 1] << 16 | (uint32_t)p[LENGTH_AT + 2] << 8 |
	      p[LENGTH_AT + 3];
	if (len > max) {
		(void)err_set(err, "a message of %u bytes is longer than the %zu that are allowed", len, max);
		return FRAME_BAD;
	}
	*len_out = len;
	return have - FRAME_HEAD < len ? FRAME_MORE : FRAME_WHOLE;
}
