/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the beginning of a stream on the control socket. What is said of them must not depend on the pieces
 * in which they come, and the body of a whole frame goes where the daemon puts it: to the reader of JSON.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "net/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every shorter beginning of a stream that is not bad wants more, up to the end of the frame. */
static void piece_by_piece(const uint8_t *data, size_t size, enum frame_state whole, size_t len)
{
	size_t n, piece_len, steps = size < 256 ? size : 256;
	bool was_bad = false;

	for (n = 0; n <= steps; n++) {
		enum frame_state state = frame_look(data, n, FRAME_REQUEST_MAX, &piece_len, NULL);

		if (was_bad && state != FRAME_BAD)
			abort();
		was_bad = state == FRAME_BAD;
		if (whole == FRAME_WHOLE && (state == FRAME_WHOLE) != (n >= FRAME_HEAD + len))
			abort();
		if (whole == FRAME_MORE && state != FRAME_MORE)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char head[FRAME_HEAD];
	struct err err = {.code = 0};
	enum frame_state state;
	json_error_t error;
	size_t len;

	state = frame_look(data, size, FRAME_REQUEST_MAX, &len, &err);
	if (len > FRAME_REQUEST_MAX || (state == FRAME_BAD && err.text[0] == '\0'))
		abort();
	piece_by_piece(data, size, state, len);
	if (state != FRAME_WHOLE)
		return 0;
	if (len > size - FRAME_HEAD)
		abort();
	frame_head(head, (uint32_t)len);
	if (memcmp(head, data, FRAME_HEAD) != 0)
		abort();
	json_decref(json_loadb((const char *)data + FRAME_HEAD, len, JSON_REJECT_DUPLICATES, &error));
	return 0;
}
