/* SPDX-License-Identifier: MIT */
/*
 * How a message looks on the control socket, for both ends of it. Pure functions over bytes in
 * memory: nothing here reads, writes, or knows what a message means.
 *
 * A connection carries one request and one reply. Either is a head of FRAME_HEAD bytes ('P' 'F'
 * 'D', one byte of version, the length of the body as 4 bytes, big-endian) and a body: one JSON
 * object in UTF-8.
 */
#ifndef PREFORKD_NET_FRAME_H
#define PREFORKD_NET_FRAME_H

#include <stddef.h>
#include <stdint.h>

struct err;

#define FRAME_HEAD	  8
#define FRAME_VERSION	  1
#define FRAME_REQUEST_MAX 65536
#define FRAME_REPLY_MAX	  (64 << 20)

enum frame_state { FRAME_MORE, FRAME_WHOLE, FRAME_BAD };

/* Lays the head in front of a body of LEN bytes. */
void frame_head(unsigned char out[FRAME_HEAD], uint32_t len);

/*
 * Looks at the first HAVE bytes of a stream. FRAME_MORE: not whole yet; once HAVE >= FRAME_HEAD,
 * *len_out is the body's length, 0 before. FRAME_WHOLE: the body is the *len_out bytes behind the
 * head. FRAME_BAD: never will be one, *err says why (not our protocol; another version, both are
 * named; longer than MAX).
 */
enum frame_state frame_look(const void *data, size_t have, size_t max, size_t *len_out, struct err *err);

#endif
