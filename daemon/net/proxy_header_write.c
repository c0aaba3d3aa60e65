/* SPDX-License-Identifier: MIT */
/* Worker. Writes headers of the PROXY protocol. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "net/proxy_format.h"
#include "net/proxy_header.h"

static const void *get_host(const struct sockaddr_any *addr)
{
	return addr->sa.sa_family == AF_INET ? (const void *)&addr->in.sin_addr : (const void *)&addr->in6.sin6_addr;
}

static size_t write_v1(int family, const struct sockaddr_any *source, const struct sockaddr_any *destination, void *out,
		       size_t size)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	int n;

	if (family != AF_INET && family != AF_INET6) {
		n = snprintf(out, size, "PROXY UNKNOWN\r\n");
	} else {
		/* Cannot fail: both families are known, and there is room. */
		(void)inet_ntop(family, get_host(source), from, sizeof(from));
		(void)inet_ntop(family, get_host(destination), to, sizeof(to));
		n = snprintf(out, size, "PROXY TCP%c %s %s %u %u\r\n", family == AF_INET ? '4' : '6', from, to,
			     addr_port(source), addr_port(destination));
	}
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *put_port(uint8_t *at, const struct sockaddr_any *addr)
{
	uint16_t port = addr_port(addr);

	*at++ = (uint8_t)(port >> 8);
	*at++ = (uint8_t)port;
	return at;
}

static uint8_t *put_inet(uint8_t *at, size_t len, const struct sockaddr_any *source,
			 const struct sockaddr_any *destination)
{
	at = put_bytes(at, get_host(source), len);
	at = put_bytes(at, get_host(destination), len);
	at = put_port(at, source);
	return put_port(at, destination);
}

/* The field is padded with NULs. */
static uint8_t *put_unix(uint8_t *at, const struct sockaddr_any *addr)
{
	const size_t offset = offsetof(struct sockaddr_un, sun_path);
	size_t len = addr->len > offset ? addr->len - offset : 0;

	if (len > PROXY_V2_UNIX)
		len = PROXY_V2_UNIX;
	memset(at, 0, PROXY_V2_UNIX);
	memcpy(at, addr->un.sun_path, len);
	return at + PROXY_V2_UNIX;
}

static size_t write_v2(bool local, int family, const struct sockaddr_any *source,
		       const struct sockaddr_any *destination, uint8_t *out)
{
	uint8_t *at = put_bytes(out, PROXY_V2_SIGNATURE, PROXY_V2_SIGNATURE_LEN);
	size_t len;

	at[0] = PROXY_V2_VERSION | (local ? PROXY_V2_LOCAL : PROXY_V2_PROXY);
	at[1] = PROXY_V2_UNSPEC;
	at = out + PROXY_V2_HEAD;
	if (family == AF_INET) {
		out[13] = PROXY_V2_INET << 4 | PROXY_V2_STREAM;
		at = put_inet(at, 4, source, destination);
	} else if (family == AF_INET6) {
		out[13] = PROXY_V2_INET6 << 4 | PROXY_V2_STREAM;
		at = put_inet(at, 16, source, destination);
	} else if (family == AF_UNIX) {
		out[13] = PROXY_V2_AF_UNIX << 4 | PROXY_V2_STREAM;
		at = put_unix(put_unix(at, source), destination);
	}
	len = (size_t)(at - out) - PROXY_V2_HEAD;
	out[14] = (uint8_t)(len >> 8);
	out[15] = (uint8_t)len;
	return PROXY_V2_HEAD + len;
}

/* The family of both addresses; AF_UNSPEC if they differ, or if one is missing. */
static int find_common_family(const struct sockaddr_any *a, const struct sockaddr_any *b)
{
	if (a->len < sizeof(sa_family_t) || b->len < sizeof(sa_family_t) || a->sa.sa_family != b->sa.sa_family)
		return AF_UNSPEC;
	return a->sa.sa_family;
}

size_t proxy_header_write(int version, bool local, const struct sockaddr_any *source,
			  const struct sockaddr_any *destination, void *out, size_t size)
{
	struct sockaddr_any from = {.len = 0}, to = {.len = 0};
	int family = AF_UNSPEC;

	if (size < PROXY_V2_HEAD + PROXY_V2_UNIX_LEN)
		return 0;
	if (!local) {
		from = *source;
		to = *destination;
		addr_fold(&from);
		addr_fold(&to);
		family = find_common_family(&from, &to);
	}
	return version == 1 ? write_v1(family, &from, &to, out, size) : write_v2(local, family, &from, &to, out);
}
