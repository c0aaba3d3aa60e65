/* SPDX-License-Identifier: MIT */
/*
 * Worker. Reads and writes headers of the PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt). Pure
 * functions: they use no socket. Everything that the specification rejects is rejected.
 */
#ifndef PREFORKD_NET_PROXY_HEADER_H
#define PREFORKD_NET_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct err;

#define PROXY_HEADER_V1_MAX	 107  /* bytes, with the end of the line */
#define PROXY_HEADER_V2_REST_MAX 4096 /* bytes of addresses and TLVs that we take; the format allows 65535 */
#define PROXY_HEADER_V2_MAX	 (16 + PROXY_HEADER_V2_REST_MAX)
#define PROXY_HEADER_MIN	 15 /* no header of either version is shorter */

struct proxy_header {
	int version; /* 1 or 2 */
	bool local; /* v2 LOCAL: a connection of the proxy itself (a health check); the addresses of the socket count */
	bool known; /* source and destination are set; false: v1 UNKNOWN or v2 UNSPEC, the addresses of the socket count
		     */
	struct sockaddr_any source, destination; /* unix: the family, and the path if there is one */
};

enum proxy_parse {
	PROXY_OK,   /* the header has *used_out bytes; payload follows */
	PROXY_MORE, /* it may become a header: at least *need_out more bytes belong to it */
	PROXY_NONE, /* no header begins like this */
	PROXY_BAD,  /* it begins like a header but is malformed; *err says how */
};

/* Looks at the first LEN bytes of a connection. */
enum proxy_parse proxy_header_parse(const void *bytes, size_t len, struct proxy_header *out, size_t *used_out,
				    size_t *need_out, struct err *err);

/*
 * Writes the header for a connection from SOURCE to DESTINATION. Of two internet addresses of different families the
 * IPv4 address is written as IPv6 (::ffff:A.B.C.D). If one of them is no internet address, the header names none: v1
 * UNKNOWN, v2 LOCAL, because other programs refuse the AF_UNIX of the specification. Returns its length; SIZE must be
 * at least PROXY_HEADER_WRITTEN_MAX (else 0).
 */
#define PROXY_HEADER_WRITTEN_MAX (PROXY_HEADER_V1_MAX + 1) /* with the NUL of snprintf(3) */
size_t proxy_header_write(int version, const struct sockaddr_any *source, const struct sockaddr_any *destination,
			  void *out, size_t size);

#endif
