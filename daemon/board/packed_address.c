/* SPDX-License-Identifier: MIT */
#include "board/packed_address.h"

#include <string.h>

#include "net/addr.h"

void packed_address_set(uint64_t words[PACKED_ADDRESS_WORDS], const struct sockaddr_any *addr)
{
	words[0] = words[1] = 0;
	words[2] = addr->len == 0 ? 0 : addr->sa.sa_family;
	if (words[2] == AF_INET) {
		memcpy(words, &addr->in.sin_addr, sizeof(addr->in.sin_addr));
		words[2] |= (uint64_t)addr->in.sin_port << 16;
	} else if (words[2] == AF_INET6) {
		memcpy(words, &addr->in6.sin6_addr, sizeof(addr->in6.sin6_addr));
		words[2] |= (uint64_t)addr->in6.sin6_port << 16;
		words[2] |= (uint64_t)addr->in6.sin6_scope_id << 32;
	}
}

void packed_address_get(const uint64_t words[PACKED_ADDRESS_WORDS], struct sockaddr_any *out)
{
	memset(out, 0, sizeof(*out));
	out->sa.sa_family = (sa_family_t)(words[2] & 0xffff);
	switch (out->sa.sa_family) {
	case AF_INET:
		out->len = sizeof(out->in);
		out->in.sin_port = (in_port_t)(words[2] >> 16);
		memcpy(&out->in.sin_addr, words, sizeof(out->in.sin_addr));
		break;
	case AF_INET6:
		out->len = sizeof(out->in6);
		out->in6.sin6_port = (in_port_t)(words[2] >> 16);
		out->in6.sin6_scope_id = (uint32_t)(words[2] >> 32);
		memcpy(&out->in6.sin6_addr, words, sizeof(out->in6.sin6_addr));
		break;
	case AF_UNIX:
		out->len = sizeof(out->un.sun_family);
		break;
	default: /* damaged */
		out->sa.sa_family = AF_UNSPEC;
		break;
	}
}
