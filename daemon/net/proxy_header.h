/* SPDX-License-Identifier: MIT */
/*
 * The header of the PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt has it: read and written. Pure:
 * no socket is touched. Whatever the specification rejects is rejected here.
 */
#ifndef PREFORKD_NET_PROXY_HEADER_H
#define PREFORKD_NET_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct err;

#define PROXY_HEADER_V1_MAX 107		/* bytes, with the line's end */
#define PROXY_HEADER_V2_MAX (16 + 4096) /* we take no more TLVs than that; the format could say 65535 */
#define PROXY_HEADER_MIN    15		/* no header of either version is shorter */

struct proxy_header {
	int version; /* 1 or 2 */
	bool local;  /* v2 LOCAL: the proxy's own connection, a health check: the addresses are those of the socket */
	bool known;  /* source and destination are set; false: v1 UNKNOWN, v2 UNSPEC: those of the socket count */
	struct sockaddr_any source, destination; /* unix: the family, and the path if there is one */
};

enum proxy_parse {
	PROXY_OK,   /* *used_out bytes were the header; what follows is payload */
	PROXY_MORE, /* it may become one: *need_out more bytes, at least, are certainly still of the header */
	PROXY_NONE, /* no header begins like this */
	PROXY_BAD,  /* it begins like one and is malformed: *err says how */
};

/* Looks at the first LEN bytes of a connection. */
enum proxy_parse proxy_header_parse(const void *bytes, size_t len, struct proxy_header *out, size_t *used_out,
				    size_t *need_out, struct err *err);

/* Writes the header for a connection from SOURCE to DESTINATION, which are of the same family after folding (else, and
 * for unix in v1: UNKNOWN; unix in v2: AF_UNIX). LOCAL: v2's LOCAL, v1's UNKNOWN. Returns its length; SIZE is at least
 * 232. */
size_t proxy_header_write(int version, bool local, const struct sockaddr_any *source,
			  const struct sockaddr_any *destination, void *out, size_t size);

#endif
