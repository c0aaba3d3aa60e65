/* SPDX-License-Identifier: MIT */
/*
 * Master, preforkctl. The frames that both ends of the control socket speak: daemon/control is the server, ctl the
 * client. Pure functions over bytes in memory: they neither read nor write, and do not know the meaning of a message.
 *
 * A connection carries one request and one reply. Each is a head of FRAME_HEAD bytes ('P' 'F' 'D', one byte of version,
 * the length of the body in 4 bytes, big-endian) and a body: one JSON object in UTF-8.
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

/* Writes the head for a body of LEN bytes. */
void frame_head(unsigned char out[FRAME_HEAD], uint32_t len);

/*
 * Looks at the first HAVE bytes of a stream. FRAME_MORE: the frame is not complete; *len_out is the length of the body
 * if HAVE >= FRAME_HEAD, else 0. FRAME_WHOLE: the body is the *len_out bytes after the head. FRAME_BAD: it can never
 * become a frame, and *err says why (another protocol, another version, or a body longer than MAX).
 */
enum frame_state frame_look(const void *data, size_t have, size_t max, size_t *len_out, struct err *err);

#endif
