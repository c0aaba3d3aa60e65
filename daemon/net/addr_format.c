/* SPDX-License-Identifier: MIT */
/* Any process. Addresses as people read them. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "net/addr.h"

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

/* A text under construction; if it does not fit it is cut and ends with "...". */
struct line {
	char *out;
	size_t size, used;
	bool cut;
};

static void add_text(struct line *line, const char *text, size_t len)
{
	if (line->cut || len >= line->size - line->used) {
		line->cut = true;
		return;
	}
	memcpy(line->out + line->used, text, len);
	line->used += len;
}

static void add_string(struct line *line, const char *text)
{
	add_text(line, text, strlen(text));
}

static const char *finish_line(struct line *line)
{
	size_t dots = 3;

	if (line->cut && line->size > dots) {
		if (line->used + dots >= line->size)
			line->used = line->size - dots - 1;
		memcpy(line->out + line->used, "...", dots);
		line->used += dots;
	}
	line->out[line->used] = '\0';
	return line->out;
}

static void add_unix(struct line *line, const struct sockaddr_any *addr)
{
	const char *path = addr->un.sun_path;
	size_t len = addr->len > PATH_OFFSET ? addr->len - PATH_OFFSET : 0;
	bool is_abstract = len > 0 && path[0] == '\0';
	char hex[5];
	size_t i;

	if (len > sizeof(addr->un.sun_path))
		len = sizeof(addr->un.sun_path);
	if (!is_abstract)
		len = strnlen(path, len);
	add_string(line, is_abstract ? "unix:@" : "unix:");
	for (i = is_abstract ? 1 : 0; i < len; i++) {
		if ((unsigned char)path[i] >= ' ' && path[i] != 0x7f) {
			add_text(line, &path[i], 1);
		} else {
			(void)snprintf(hex, sizeof(hex), "\\x%02x", (unsigned char)path[i]);
			add_string(line, hex);
		}
	}
}

static char *put_octet(char *at, unsigned octet)
{
	if (octet >= 100)
		*at++ = (char)('0' + octet / 100);
	if (octet >= 10)
		*at++ = (char)('0' + octet / 10 % 10);
	*at++ = (char)('0' + octet % 10);
	return at;
}

/* Called for the process title of every client. inet_ntop(3) uses printf(3) and took 3 % of a worker's time on short
 * connections. */
static void add_v4(struct line *line, const struct sockaddr_any *addr)
{
	const unsigned char *octets = (const unsigned char *)&addr->in.sin_addr;
	char text[INET_ADDRSTRLEN], *at = text;

	for (int i = 0; i < 4; i++) {
		if (i > 0)
			*at++ = '.';
		at = put_octet(at, octets[i]);
	}
	add_text(line, text, (size_t)(at - text));
}

static void add_v6(struct line *line, const struct sockaddr_any *addr)
{
	char text[INET6_ADDRSTRLEN];
	char zone[IF_NAMESIZE + 1] = "";

	(void)inet_ntop(AF_INET6, &addr->in6.sin6_addr, text, sizeof(text));
	add_string(line, text);
	if (addr->in6.sin6_scope_id == 0)
		return;
	if (if_indextoname(addr->in6.sin6_scope_id, zone) == NULL)
		(void)snprintf(zone, sizeof(zone), "%u", addr->in6.sin6_scope_id);
	add_string(line, "%");
	add_string(line, zone);
}

static const char *format_addr(const struct sockaddr_any *addr, bool with_port, char *out, size_t size)
{
	struct line line = {.out = out, .size = size};
	struct sockaddr_any folded = *addr;
	char port[8];

	if (size == 0)
		return "";
	addr_fold(&folded);
	if (folded.len < sizeof(sa_family_t)) {
		add_string(&line, "none");
		return finish_line(&line);
	}
	switch (folded.sa.sa_family) {
	case AF_INET:
		add_v4(&line, &folded);
		break;
	case AF_INET6:
		if (with_port)
			add_string(&line, "[");
		add_v6(&line, &folded);
		if (with_port)
			add_string(&line, "]");
		break;
	case AF_UNIX:
		add_unix(&line, &folded);
		return finish_line(&line);
	default: /* not an enum: any number the kernel may give */
		add_string(&line, "unknown");
		return finish_line(&line);
	}
	if (with_port) {
		(void)snprintf(port, sizeof(port), ":%u", addr_port(&folded));
		add_string(&line, port);
	}
	return finish_line(&line);
}

const char *addr_format(const struct sockaddr_any *addr, char *out, size_t size)
{
	return format_addr(addr, true, out, size);
}

const char *addr_format_host(const struct sockaddr_any *addr, char *out, size_t size)
{
	return format_addr(addr, false, out, size);
}
