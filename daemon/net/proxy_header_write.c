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

static size_t write_v2(int family, const struct sockaddr_any *source, const struct sockaddr_any *destination,
		       uint8_t *out)
{
	bool known = family == AF_INET || family == AF_INET6;
	uint8_t *at = put_bytes(out, PROXY_V2_SIGNATURE, PROXY_V2_SIGNATURE_LEN);
	size_t len;

	at[0] = PROXY_V2_VERSION | (known ? PROXY_V2_PROXY : PROXY_V2_LOCAL);
	at[1] = PROXY_V2_UNSPEC;
	at = out + PROXY_V2_HEAD;
	if (family == AF_INET) {
		out[13] = PROXY_V2_INET << 4 | PROXY_V2_STREAM;
		at = put_inet(at, 4, source, destination);
	} else if (family == AF_INET6) {
		out[13] = PROXY_V2_INET6 << 4 | PROXY_V2_STREAM;
		at = put_inet(at, 16, source, destination);
	}
	len = (size_t)(at - out) - PROXY_V2_HEAD;
	out[14] = (uint8_t)(len >> 8);
	out[15] = (uint8_t)len;
	return PROXY_V2_HEAD + len;
}

static bool has_family(const struct sockaddr_any *addr, int family)
{
	return addr->len >= sizeof(sa_family_t) && addr->sa.sa_family == family;
}

/* Makes an IPv4 address the IPv6 address ::ffff:A.B.C.D; leaves an IPv6 address as it is. */
static void map_to_v6(struct sockaddr_any *addr)
{
	struct sockaddr_any mapped = {.len = sizeof(mapped.in6)};
	uint8_t *bytes = mapped.in6.sin6_addr.s6_addr;

	if (addr->sa.sa_family != AF_INET)
		return;
	mapped.in6.sin6_family = AF_INET6;
	mapped.in6.sin6_port = addr->in.sin_port;
	bytes[10] = bytes[11] = 0xff;
	memcpy(bytes + 12, &addr->in.sin_addr, 4);
	*addr = mapped;
}

/* Gives both addresses the same family, which it returns; AF_UNSPEC if one of them is no internet address. */
static int make_alike(struct sockaddr_any *a, struct sockaddr_any *b)
{
	addr_fold(a);
	addr_fold(b);
	if (has_family(a, AF_INET) && has_family(b, AF_INET))
		return AF_INET;
	if ((!has_family(a, AF_INET) && !has_family(a, AF_INET6)) ||
	    (!has_family(b, AF_INET) && !has_family(b, AF_INET6)))
		return AF_UNSPEC;
	map_to_v6(a);
	map_to_v6(b);
	return AF_INET6;
}

size_t proxy_header_write(int version, const struct sockaddr_any *source, const struct sockaddr_any *destination,
			  void *out, size_t size)
{
	struct sockaddr_any from = *source, to = *destination;
	int family = make_alike(&from, &to);

	if (size < PROXY_HEADER_WRITTEN_MAX)
		return 0;
	return version == 1 ? write_v1(family, &from, &to, out, size) : write_v2(family, &from, &to, out);
}
