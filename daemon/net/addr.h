/* SPDX-License-Identifier: MIT */
/*
 * Any process. Addresses: the text that an administrator writes, the socket address of the kernel, and the text that a
 * person reads in a log. Opens no socket; only addr_resolve() may block (DNS).
 */
#ifndef PREFORKD_NET_ADDR_H
#define PREFORKD_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct err;

/* One socket address of any family that we serve; len 0: none. */
struct sockaddr_any {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_storage ss;
	};
};

/* The addresses of a name, as looked up when the configuration was read, because the master must not look it up. */
struct addr_resolved {
	struct sockaddr_any *list;
	size_t n;
};

enum addr_kind {
	ADDR_HOST,    /* HOST:PORT, an IPv4 address or a name */
	ADDR_HOST6,   /* [V6]:PORT, a literal IPv6 address (a zone %IF is allowed) */
	ADDR_ANY,     /* *:PORT, both families through one dual-stack socket */
	ADDR_UNIX,    /* unix:/PATH or unix:@NAME (abstract); unixgram: for datagrams */
	ADDR_SYSTEMD, /* systemd:NAME, an inherited descriptor by name; udp:systemd:NAME, for datagrams of any family */
};

/* The parts of an address as written. Owns nothing. */
struct addr {
	enum addr_kind kind;
	bool datagram;	/* "udp:" or "unixgram:" was written in front */
	uint16_t port;	/* 0: the kernel chooses a port; also 0 for ADDR_UNIX and ADDR_SYSTEMD */
	char host[256]; /* without brackets; "" for ADDR_ANY; path, "@name" or descriptor name for the last two kinds */
	char text[272]; /* as written */
};

/* Parses TEXT; resolves no name of a host. A port may be a name of /etc/services. The error says what is wrong: no
 * port, port out of range, an IPv6 address without brackets, a link-local one without its interface, a path that is
 * relative or too long for sun_path ... */
int addr_parse(const char *text, struct addr *out, struct err *err);

/*
 * The socket addresses of ADDR, at most MAX, in the order of the resolver, without duplicates. Returns their number, or
 * -1. ADDR_ANY has one: [::]:PORT. ADDR_SYSTEMD has none (0). For a name it calls getaddrinfo(3), which may block; for
 * a literal address it does not block. err->code is ENOENT if a name has no address, ENODEV if there is no such
 * interface, and another one if the look-up itself has failed.
 */
int addr_resolve(const struct addr *addr, struct sockaddr_any *out, size_t max, struct err *err);

/* "192.0.2.1:80", "[2001:db8::1]:80", "unix:/path", "unix:@name", "unix:" (unnamed).
 * ::ffff:a.b.c.d is written as a.b.c.d. Control characters in a path are escaped. */
#define ADDR_TEXT_MAX 128 /* enough for every IP address; a longer path is cut with "..." */
const char *addr_format(const struct sockaddr_any *addr, char *out, size_t size);

/* The host part: "192.0.2.1", "2001:db8::1" (mapped IPv4 as IPv4); for unix as above. */
const char *addr_format_host(const struct sockaddr_any *addr, char *out, size_t size);

/* True if the text alone determines the socket addresses, on every host: there is no name to look up and no zone. */
bool addr_is_literal(const struct addr *addr);

/* The number of the interface ZONE, which is a name or a number. 0: there is no interface of this name. */
unsigned addr_zone(const char *zone);

/* 0.0.0.0 or ::. */
bool addr_is_wildcard(const struct sockaddr_any *addr);

/* The port in host order, 0 where the family has none. */
uint16_t addr_port(const struct sockaddr_any *addr);

/* The same family, address and port (and scope); for unix the same name. */
bool addr_equal(const struct sockaddr_any *a, const struct sockaddr_any *b);

/* Turns an IPv4-mapped IPv6 address into the IPv4 address it stands for; others stay. */
void addr_fold(struct sockaddr_any *addr);

#endif
