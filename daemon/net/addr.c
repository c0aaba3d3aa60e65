/* SPDX-License-Identifier: MIT */
#include "net/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/parse.h"

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)
#define NAME_BYTES  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* NAME as /etc/services has it. */
static int find_port(const char *text, const char *name, struct addr *out, struct err *err)
{
	const struct servent *service = getservbyname(name, out->datagram ? "udp" : "tcp");

	if (service == NULL)
		return err_set(err, "\"%.256s\": the port is not a number, and /etc/services has no \"%.64s\" for %s",
			       text, name, out->datagram ? "UDP" : "TCP");
	out->port = ntohs((uint16_t)service->s_port);
	return 0;
}

static int parse_port(const char *text, const char *p, struct addr *out, struct err *err)
{
	int64_t port;

	if (*p == '\0')
		return err_set(err, "\"%.256s\": no port behind the colon", text);
	if (isalpha((unsigned char)*p) && strspn(p, NAME_BYTES "-_") == strlen(p))
		return find_port(text, p, out, err);
	if (strspn(p, "0123456789") != strlen(p))
		return err_set(err, "\"%.256s\": the port is not a number", text);
	if (parse_integer(p, &port, NULL) < 0 || port > UINT16_MAX)
		return err_set(err, "\"%.256s\": the port is out of range, 0 to 65535", text);
	out->port = (uint16_t)port;
	return 0;
}

/* Copies LEN bytes of P to the host; false if they do not fit. */
static bool keep_host(const char *p, size_t len, struct addr *out)
{
	if (len >= sizeof(out->host))
		return false;
	memcpy(out->host, p, len);
	out->host[len] = '\0';
	return true;
}

static int parse_unix(const char *text, const char *path, struct addr *out, struct err *err)
{
	size_t len = strlen(path);
	size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	out->kind = ADDR_UNIX;
	if (*path != '/' && *path != '@')
		return err_set(err, "\"%.256s\": the path must begin with / (or @ for an abstract name)", text);
	if (*path == '@' && len == 1)
		return err_set(err, "\"%.256s\": no name behind the @", text);
	if (*path == '/' && path[len - 1] == '/')
		return err_set(err, "\"%.256s\": the path names a directory", text);
	if (len > max || !keep_host(path, len, out))
		return err_set(err, "\"%.256s\": the path has %zu bytes, a socket's can have %zu", text, len, max);
	return 0;
}

static int parse_systemd(const char *text, const char *name, struct addr *out, struct err *err)
{
	const char *p;

	out->kind = ADDR_SYSTEMD;
	if (*name == '\0')
		return err_set(err, "\"%.256s\": no name behind the colon", text);
	for (p = name; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~' || *p == ':')
			return err_set(err, "\"%.256s\": a descriptor's name has no such characters", text);
	}
	if (!keep_host(name, strlen(name), out))
		return err_set(err, "\"%.256s\": the name is too long", text);
	return 0;
}

/* Splits "fe80::1%eth0"; false if it is no IPv6 address. *ZONE_OUT points into TEXT, or is NULL without a zone. */
static bool split_v6(const char *text, struct in6_addr *out, const char **zone_out)
{
	char literal[INET6_ADDRSTRLEN];
	const char *percent = strchr(text, '%');
	size_t len = percent != NULL ? (size_t)(percent - text) : strlen(text);

	if (len >= sizeof(literal))
		return false;
	memcpy(literal, text, len);
	literal[len] = '\0';
	*zone_out = percent != NULL ? percent + 1 : NULL;
	if (percent != NULL && (percent[1] == '\0' || strlen(percent + 1) >= IF_NAMESIZE))
		return false;
	return inet_pton(AF_INET6, literal, out) == 1;
}

/* The same address may be on every link, so the kernel binds it only together with an interface. */
static bool needs_zone(const struct in6_addr *in6)
{
	return IN6_IS_ADDR_LINKLOCAL(in6) || IN6_IS_ADDR_MC_LINKLOCAL(in6) || IN6_IS_ADDR_MC_NODELOCAL(in6);
}

static int parse_v6(const char *text, const char *p, struct addr *out, struct err *err)
{
	const char *end = strchr(p, ']');
	const char *zone;
	struct in6_addr in6;

	out->kind = ADDR_HOST6;
	if (end == NULL)
		return err_set(err, "\"%.256s\": the bracket is not closed", text);
	if (!keep_host(p + 1, (size_t)(end - p - 1), out) || !split_v6(out->host, &in6, &zone))
		return err_set(err, "\"%.256s\": no IPv6 address between the brackets", text);
	if (zone == NULL && needs_zone(&in6))
		return err_set(err, "\"%.256s\": this address needs its interface: write [%.64s%%INTERFACE]:PORT", text,
			       out->host);
	if (end[1] != ':')
		return err_set(err, "\"%.256s\": no port; write [ADDRESS]:PORT", text);
	return parse_port(text, end + 2, out, err);
}

static bool looks_like_port(const char *text)
{
	return strspn(text, "0123456789") == strlen(text);
}

/* The resolver would take "127.1" and "1" as IPv4 addresses, too; we refuse them as likely mistakes. */
static bool looks_like_v4(const char *host)
{
	return strspn(host, "0123456789.") == strlen(host);
}

/* TEXT is no address: it has no colon. */
static int reject_portless(const char *text, const char *p, struct err *err)
{
	if (*p == '/' || *p == '@')
		return err_set(err, "\"%.256s\": no port; for a unix socket write unix:%.256s", text, p);
	if (*p != '\0' && looks_like_port(p))
		return err_set(err, "\"%.256s\": no host; write HOST:%s, or *:%s to listen on all addresses", text, p,
			       p);
	return err_set(err, "\"%.256s\": no port; write %.256s:PORT", text, *p != '\0' ? p : "HOST");
}

/* TEXT is no address: it has more than one colon. */
static int reject_colons(const char *text, const char *p, struct err *err)
{
	const char *const streams[] = {"tcp", "tcp4", "tcp6", "stream", "inet", "inet6", "ip", "ipv4", "ipv6"};
	size_t len = strcspn(p, ":");
	struct in6_addr in6;
	const char *zone;
	size_t i;

	if (split_v6(p, &in6, &zone) || strspn(p, "0123456789abcdefABCDEF:.") == strlen(p))
		return err_set(err, "\"%.256s\": an IPv6 address goes into brackets, [ADDRESS]:PORT", text);
	for (i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		if (strlen(streams[i]) == len && strncasecmp(p, streams[i], len) == 0)
			return err_set(err, "\"%.256s\": TCP needs no word in front; write %.256s", text, p + len + 1);
	}
	return err_set(err,
		       "\"%.256s\": no address begins with \"%.*s:\"; write HOST:PORT, [V6]:PORT, unix:/PATH, "
		       "or udp:HOST:PORT",
		       text, (int)(len < 64 ? len : 64), p);
}

/* TEXT is no address, but a URL. */
static int reject_url(const char *text, const char *authority, struct err *err)
{
	int len = (int)strcspn(authority, "/?#");

	if (len == 0)
		return err_set(err, "\"%.256s\": a URL; write HOST:PORT, or unix:/PATH", text);
	return err_set(err, "\"%.256s\": a URL; write %.*s%s", text, len, authority,
		       memchr(authority, ':', (size_t)len) != NULL ? "" : ":PORT");
}

static int parse_host(const char *text, const char *p, struct addr *out, struct err *err)
{
	const char *colon = strrchr(p, ':');
	struct in_addr in;
	size_t len;

	if (colon == NULL)
		return reject_portless(text, p, err);
	if (strchr(p, ':') != colon)
		return reject_colons(text, p, err);
	len = (size_t)(colon - p);
	if (len == 0)
		return err_set(err, "\"%.256s\": no host; write HOST%s, or *%s to listen on all addresses", text, colon,
			       colon);
	if (len == 1 && *p == '*') {
		out->kind = ADDR_ANY;
		return parse_port(text, colon + 1, out, err);
	}
	out->kind = ADDR_HOST;
	if (!keep_host(p, len, out))
		return err_set(err, "\"%.64s...\": the host name is too long", text);
	if (strspn(out->host, NAME_BYTES ".-_") != len)
		return err_set(err, "\"%.256s\": a host name has no such characters", text);
	if (looks_like_v4(out->host) && inet_pton(AF_INET, out->host, &in) != 1)
		return err_set(err, "\"%.256s\": not an IPv4 address", text);
	return parse_port(text, colon + 1, out, err);
}

int addr_parse(const char *text, struct addr *out, struct err *err)
{
	const char *p = text;
	size_t len = strlen(text);
	const char *scheme = strstr(text, "://");

	memset(out, 0, sizeof(*out));
	if (len == 0)
		return err_set(err, "the address is empty");
	if (len >= sizeof(out->text))
		return err_set(err, "\"%.64s...\": the address is too long", text);
	memcpy(out->text, text, len + 1);
	if (scheme != NULL && scheme == strchr(text, ':') && !starts_with(text, "unix"))
		return reject_url(text, scheme + strlen("://"), err);
	if (starts_with(p, "udp:")) {
		out->datagram = true;
		p += strlen("udp:");
		if (starts_with(p, "unix:"))
			return err_set(err, "\"%.256s\": write unixgram:/PATH for datagrams of a unix socket", text);
	} else if (starts_with(p, "unixgram:")) {
		out->datagram = true;
		return parse_unix(text, p + strlen("unixgram:"), out, err);
	}
	if (starts_with(p, "unix:"))
		return parse_unix(text, p + strlen("unix:"), out, err);
	if (starts_with(p, "systemd:"))
		return parse_systemd(text, p + strlen("systemd:"), out, err);
	if (*p == '[')
		return parse_v6(text, p, out, err);
	return parse_host(text, p, out, err);
}

static void set_v4(struct sockaddr_any *out, struct in_addr in, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	out->in.sin_family = AF_INET;
	out->in.sin_addr = in;
	out->in.sin_port = htons(port);
	out->len = sizeof(out->in);
}

static void set_v6(struct sockaddr_any *out, struct in6_addr in6, uint16_t port, uint32_t scope)
{
	memset(out, 0, sizeof(*out));
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_addr = in6;
	out->in6.sin6_port = htons(port);
	out->in6.sin6_scope_id = scope;
	out->len = sizeof(out->in6);
}

static void set_unix(struct sockaddr_any *out, const char *path)
{
	size_t len = strnlen(path, sizeof(out->un.sun_path) - 1);

	memset(out, 0, sizeof(*out));
	out->un.sun_family = AF_UNIX;
	memcpy(out->un.sun_path, path, len);
	/* An abstract name begins with a NUL, and its length ends it; a path ends with a NUL. */
	if (*path == '@') {
		out->un.sun_path[0] = '\0';
		out->len = (socklen_t)(PATH_OFFSET + len);
	} else {
		out->len = (socklen_t)(PATH_OFFSET + len + 1);
	}
}

unsigned addr_zone(const char *zone)
{
	unsigned index = if_nametoindex(zone);
	int64_t number;

	if (index == 0 && parse_integer(zone, &number, NULL) == 0 && number > 0 && number <= INT32_MAX)
		index = (unsigned)number;
	return index;
}

static int resolve_v6(const struct addr *addr, struct sockaddr_any *out, struct err *err)
{
	struct in6_addr in6;
	const char *zone;
	unsigned scope = 0;

	if (!split_v6(addr->host, &in6, &zone))
		return err_set(err, "\"%s\": no IPv6 address between the brackets", addr->text);
	if (zone != NULL) {
		scope = addr_zone(zone);
		if (scope == 0) {
			(void)err_set(err, "\"%s\": there is no interface %s", addr->text, zone);
			if (err != NULL)
				err->code = ENODEV;
			return -1;
		}
	}
	set_v6(out, in6, addr->port, scope);
	return 1;
}

static bool is_known(const struct sockaddr_any *list, size_t n, const struct sockaddr_any *one)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (addr_equal(&list[i], one))
			return true;
	}
	return false;
}

static int fail_lookup(const struct addr *addr, int rc, struct err *err)
{
	(void)err_set(err, "\"%s\": cannot resolve %s: %s", addr->text, addr->host, gai_strerror(rc));
	if (err != NULL)
		err->code = rc == EAI_AGAIN || rc == EAI_FAIL || rc == EAI_MEMORY ? EAGAIN : ENOENT;
	return -1;
}

static int resolve_name(const struct addr *addr, struct sockaddr_any *out, size_t max, struct err *err)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC};
	struct addrinfo *list, *ai;
	struct sockaddr_any one;
	size_t n = 0;
	int rc;

	hints.ai_socktype = addr->datagram ? SOCK_DGRAM : SOCK_STREAM;
	rc = getaddrinfo(addr->host, NULL, &hints, &list);
	if (rc == EAI_SYSTEM)
		return err_sys(err, "\"%s\": cannot resolve %s", addr->text, addr->host);
	if (rc != 0)
		return fail_lookup(addr, rc, err);
	for (ai = list; ai != NULL && n < max; ai = ai->ai_next) {
		memset(&one, 0, sizeof(one));
		if (ai->ai_addrlen > sizeof(one.ss))
			continue;
		memcpy(&one.ss, ai->ai_addr, ai->ai_addrlen);
		if (one.sa.sa_family == AF_INET)
			set_v4(&one, one.in.sin_addr, addr->port);
		else if (one.sa.sa_family == AF_INET6)
			set_v6(&one, one.in6.sin6_addr, addr->port, one.in6.sin6_scope_id);
		else
			continue;
		if (!is_known(out, n, &one))
			out[n++] = one;
	}
	freeaddrinfo(list);
	if (n == 0 && max > 0)
		return fail_lookup(addr, EAI_NONAME, err);
	return (int)n;
}

int addr_resolve(const struct addr *addr, struct sockaddr_any *out, size_t max, struct err *err)
{
	struct in_addr in;

	if (max == 0)
		return 0;
	switch (addr->kind) {
	case ADDR_HOST:
		if (inet_pton(AF_INET, addr->host, &in) != 1)
			return resolve_name(addr, out, max, err);
		set_v4(out, in, addr->port);
		return 1;
	case ADDR_HOST6:
		return resolve_v6(addr, out, err);
	case ADDR_ANY:
		set_v6(out, in6addr_any, addr->port, 0);
		return 1;
	case ADDR_UNIX:
		set_unix(out, addr->host);
		return 1;
	case ADDR_SYSTEMD:
		return 0;
	}
	return err_set(err, "\"%s\": unknown kind of address", addr->text);
}

bool addr_is_literal(const struct addr *addr)
{
	struct in_addr in;

	switch (addr->kind) {
	case ADDR_HOST:
		return inet_pton(AF_INET, addr->host, &in) == 1;
	case ADDR_HOST6:
		return strchr(addr->host, '%') == NULL;
	case ADDR_ANY:
	case ADDR_UNIX:
	case ADDR_SYSTEMD:
		break;
	}
	return true;
}

bool addr_is_wildcard(const struct sockaddr_any *addr)
{
	if (addr->sa.sa_family == AF_INET)
		return addr->in.sin_addr.s_addr == htonl(INADDR_ANY);
	return addr->sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&addr->in6.sin6_addr);
}

uint16_t addr_port(const struct sockaddr_any *addr)
{
	if (addr->len >= sizeof(addr->in) && addr->sa.sa_family == AF_INET)
		return ntohs(addr->in.sin_port);
	if (addr->len >= sizeof(addr->in6) && addr->sa.sa_family == AF_INET6)
		return ntohs(addr->in6.sin6_port);
	return 0;
}

/* The length of the name in a unix address, without the final NUL of a path, which addr->len may include. */
static size_t get_unix_length(const struct sockaddr_any *addr)
{
	size_t len = addr->len > PATH_OFFSET ? addr->len - PATH_OFFSET : 0;

	if (len > sizeof(addr->un.sun_path))
		len = sizeof(addr->un.sun_path);
	if (len > 0 && addr->un.sun_path[0] != '\0')
		len = strnlen(addr->un.sun_path, len);
	return len;
}

bool addr_equal(const struct sockaddr_any *a, const struct sockaddr_any *b)
{
	if (a->len < sizeof(sa_family_t) || b->len < sizeof(sa_family_t))
		return a->len == b->len;
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	switch (a->sa.sa_family) {
	case AF_INET:
		return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	case AF_INET6:
		return a->in6.sin6_port == b->in6.sin6_port && a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
		       memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(struct in6_addr)) == 0;
	case AF_UNIX:
		return get_unix_length(a) == get_unix_length(b) &&
		       memcmp(a->un.sun_path, b->un.sun_path, get_unix_length(a)) == 0;
	default: /* not an enum: any number the kernel may give */
		return a->len == b->len && a->len <= sizeof(a->ss) && memcmp(&a->ss, &b->ss, a->len) == 0;
	}
}

void addr_fold(struct sockaddr_any *addr)
{
	struct in_addr in;

	if (addr->len < sizeof(addr->in6) || addr->sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr))
		return;
	memcpy(&in, &addr->in6.sin6_addr.s6_addr[12], sizeof(in));
	set_v4(addr, in, ntohs(addr->in6.sin6_port));
}
