/* SPDX-License-Identifier: MIT */
#include "net/addr.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "../suite.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct good {
	const char *text;
	enum addr_kind kind;
	bool datagram;
	const char *host;
	uint16_t port;
};

static const struct good good[] = {
	{"127.0.0.1:80", ADDR_HOST, false, "127.0.0.1", 80},
	{"localhost:0", ADDR_HOST, false, "localhost", 0},
	{"a-b_c.example:65535", ADDR_HOST, false, "a-b_c.example", 65535},
	{"udp:127.0.0.1:53", ADDR_HOST, true, "127.0.0.1", 53},
	{"[::1]:80", ADDR_HOST6, false, "::1", 80},
	{"udp:[::1]:80", ADDR_HOST6, true, "::1", 80},
	{"[fe80::1%lo]:80", ADDR_HOST6, false, "fe80::1%lo", 80},
	{"[::ffff:1.2.3.4]:80", ADDR_HOST6, false, "::ffff:1.2.3.4", 80},
	{"*:80", ADDR_ANY, false, "", 80},
	{"udp:*:80", ADDR_ANY, true, "", 80},
	{"unix:/run/x", ADDR_UNIX, false, "/run/x", 0},
	{"unix:/run/a:80", ADDR_UNIX, false, "/run/a:80", 0},
	{"unix:@name", ADDR_UNIX, false, "@name", 0},
	{"systemd:web", ADDR_SYSTEMD, false, "web", 0},
};

START_TEST(parse_good)
{
	const struct good *g = &good[_i];
	struct err err = {.text = ""};
	struct addr addr;

	ck_assert_msg(addr_parse(g->text, &addr, &err) == 0, "%s: %s", g->text, err.text);
	ck_assert_int_eq(addr.kind, g->kind);
	ck_assert_int_eq(addr.datagram, g->datagram);
	ck_assert_str_eq(addr.host, g->host);
	ck_assert_uint_eq(addr.port, g->port);
	ck_assert_str_eq(addr.text, g->text);
}
END_TEST

static const struct {
	const char *text, *says;
} bad[] = {
	{"", "empty"},
	{"localhost", "no port; write localhost:PORT"},
	{"*", "no port; write *:PORT"},
	{"80", "no host; write HOST:80, or *:80 to listen on all addresses"},
	{"localhost:", "no port"},
	{":80", "no host; write HOST:80, or *:80 to listen on all addresses"},
	{"/run/x", "write unix:/run/x"},
	{"tcp:127.0.0.1:80", "TCP needs no word in front; write 127.0.0.1:80"},
	{"TCP6:[::1]:80", "TCP needs no word in front; write [::1]:80"},
	{"tls:db.example:80", "no address begins with \"tls:\""},
	{"http://127.0.0.1:80/", "a URL; write 127.0.0.1:80"},
	{"https://db.example", "a URL; write db.example:PORT"},
	{"udp://127.0.0.1:53", "a URL; write 127.0.0.1:53"},
	{"fe80::1%eth0:80", "brackets"},
	{"localhost:65536", "out of range"},
	{"localhost:99999999999999999999", "out of range"},
	{"localhost:-1", "not a number"},
	{"localhost:+1", "not a number"},
	{"localhost:no-such-port", "/etc/services has no \"no-such-port\" for TCP"},
	{"udp:localhost:no-such-port", "/etc/services has no \"no-such-port\" for UDP"},
	{"localhost:80x", "not a number"},
	{"[fe80::1]:80", "needs its interface: write [fe80::1%INTERFACE]:PORT"},
	{"udp:[ff02::1]:80", "needs its interface"},
	{"localhost: 80", "not a number"},
	{"::1:80", "brackets"},
	{"::1", "brackets"},
	{"[::1:80", "not closed"},
	{"[::1]", "no port"},
	{"[::1]80", "no port"},
	{"[]:80", "no IPv6"},
	{"[1.2.3.4]:80", "no IPv6"},
	{"[::1%]:80", "no IPv6"},
	{"[fe80::1%interface-too-long]:80", "no IPv6"},
	{"127.1:80", "not an IPv4"},
	{"1:80", "not an IPv4"},
	{"1.2.3.256:80", "not an IPv4"},
	{"a b:80", "no such characters"},
	{"*.example:80", "no such characters"},
	{"unix:", "must begin"},
	{"unix:run", "must begin"},
	{"unix:@", "no name"},
	{"unix:/run/", "directory"},
	{"udp:unix:/x", "udp:"},
	{"systemd:", "no name"},
	{"systemd:a:b", "no such characters"},
	{"systemd:a b", "no such characters"},
	{"udp:", "no port; write HOST:PORT"},
};

START_TEST(parse_bad)
{
	struct err err = {.text = ""};
	struct addr addr;

	ck_assert_msg(addr_parse(bad[_i].text, &addr, &err) == -1, "%s", bad[_i].text);
	ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "%s: %s", bad[_i].text, err.text);
}
END_TEST

/* At the limit of sun_path, one beyond it, and far beyond everything. */
START_TEST(parse_long)
{
	char text[600];
	struct sockaddr_any any;
	struct addr addr;
	struct err err;

	memset(text, 'x', sizeof(text));
	memcpy(text, "unix:/", 6);
	text[5 + 107] = '\0';
	ck_assert_int_eq(addr_parse(text, &addr, &err), 0);
	ck_assert_int_eq(addr_resolve(&addr, &any, 1, &err), 1);
	ck_assert_uint_eq(strlen(any.un.sun_path), 107);
	text[5 + 107] = 'x';
	text[5 + 108] = '\0';
	ck_assert_int_eq(addr_parse(text, &addr, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "108 bytes"));
	text[5 + 108] = 'x';
	text[599] = '\0';
	ck_assert_int_eq(addr_parse(text, &addr, &err), -1);
	memset(text, 'h', 260);
	memcpy(text + 260, ":80", 4);
	ck_assert_int_eq(addr_parse(text, &addr, &err), -1);
}
END_TEST

static struct sockaddr_any resolve_one(const char *text)
{
	struct sockaddr_any any;
	struct addr addr;
	struct err err = {.text = ""};

	ck_assert_msg(addr_parse(text, &addr, &err) == 0, "%s: %s", text, err.text);
	ck_assert_msg(addr_resolve(&addr, &any, 1, &err) == 1, "%s: %s", text, err.text);
	return any;
}

/* An address that is parsed and resolved is written the same way again. */
START_TEST(format_round_trip)
{
	static const char *const texts[] = {
		"127.0.0.1:80",	  "0.0.0.0:0",	 "[::1]:80",   "[2001:db8::7]:65535",
		"[fe80::1%lo]:5", "unix:/run/x", "unix:@name",
	};
	struct sockaddr_any any = resolve_one(texts[_i]);
	char out[ADDR_TEXT_MAX];

	ck_assert_str_eq(addr_format(&any, out, sizeof(out)), texts[_i]);
}
END_TEST

static struct sockaddr_any unix_address(const char *bytes, size_t len)
{
	struct sockaddr_any any = {.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)};

	any.un.sun_family = AF_UNIX;
	memcpy(any.un.sun_path, bytes, len);
	return any;
}

START_TEST(format_special)
{
	struct sockaddr_any any = resolve_one("[::ffff:192.0.2.1]:80");
	char full[108];
	char out[ADDR_TEXT_MAX];

	ck_assert_str_eq(addr_format(&any, out, sizeof(out)), "192.0.2.1:80");
	ck_assert_str_eq(addr_format_host(&any, out, sizeof(out)), "192.0.2.1");
	any = resolve_one("[2001:db8::7]:80");
	ck_assert_str_eq(addr_format_host(&any, out, sizeof(out)), "2001:db8::7");
	ck_assert_str_eq(addr_format(&any, out, 10), "[...");
	ck_assert_uint_eq(strlen(addr_format(&any, out, 2)), 1);
	any = resolve_one("*:80");
	ck_assert_str_eq(addr_format(&any, out, sizeof(out)), "[::]:80");
	any = unix_address("", 0);
	ck_assert_str_eq(addr_format(&any, out, sizeof(out)), "unix:");
	any = unix_address("/a\n\x7f", 4);
	ck_assert_str_eq(addr_format(&any, out, sizeof(out)), "unix:/a\\x0a\\x7f");
	any = unix_address("\0a\0b", 4);
	ck_assert_str_eq(addr_format(&any, out, sizeof(out)), "unix:@a\\x00b");
	/* The kernel may give a path that fills sun_path and has no NUL, and of ugly bytes. */
	memset(full, '\n', sizeof(full));
	full[0] = '/';
	any = unix_address(full, sizeof(full));
	ck_assert_str_eq(addr_format(&any, out, sizeof(out)) + strlen(out) - 3, "...");
	memset(&any, 0, sizeof(any));
	ck_assert_str_eq(addr_format(&any, out, sizeof(out)), "none");
}
END_TEST

START_TEST(equality)
{
	struct sockaddr_any a = resolve_one("127.0.0.1:80"), b = resolve_one("127.0.0.1:80");

	ck_assert(addr_equal(&a, &b));
	b = resolve_one("127.0.0.1:81");
	ck_assert(!addr_equal(&a, &b));
	b = resolve_one("127.0.0.2:80");
	ck_assert(!addr_equal(&a, &b));
	b = resolve_one("[::ffff:127.0.0.1]:80");
	ck_assert(!addr_equal(&a, &b));
	addr_fold(&b);
	ck_assert(addr_equal(&a, &b));
	ck_assert_uint_eq(addr_port(&b), 80);
	a = resolve_one("[fe80::1%1]:80");
	b = resolve_one("[fe80::1%2]:80");
	ck_assert(!addr_equal(&a, &b));
	a = resolve_one("unix:/x");
	b = unix_address("/x", 2); /* without the NUL that the other counts */
	ck_assert(addr_equal(&a, &b));
	b = resolve_one("unix:@x");
	ck_assert(!addr_equal(&a, &b));
	a = unix_address("\0x\0", 3);
	ck_assert(!addr_equal(&a, &b));
	ck_assert_uint_eq(addr_port(&b), 0);
}
END_TEST

START_TEST(resolve_kinds)
{
	struct sockaddr_any list[8];
	struct addr addr;
	struct err err;
	int n;

	ck_assert_int_eq(addr_parse("systemd:x", &addr, &err), 0);
	ck_assert_int_eq(addr_resolve(&addr, list, 8, &err), 0);
	ck_assert_int_eq(addr_parse("*:80", &addr, &err), 0);
	ck_assert_int_eq(addr_resolve(&addr, list, 8, &err), 1);
	ck_assert_int_eq(list[0].sa.sa_family, AF_INET6);
	ck_assert(IN6_IS_ADDR_UNSPECIFIED(&list[0].in6.sin6_addr));
	ck_assert_int_eq(addr_parse("localhost:80", &addr, &err), 0);
	n = addr_resolve(&addr, list, 8, &err);
	ck_assert_int_ge(n, 1);
	ck_assert_uint_eq(addr_port(&list[0]), 80);
	if (n > 1)
		ck_assert(!addr_equal(&list[0], &list[1]));
	ck_assert_int_eq(addr_resolve(&addr, list, 1, &err), 1);
	ck_assert_int_eq(addr_parse("no-such-host.invalid:80", &addr, &err), 0);
	ck_assert_int_eq(addr_resolve(&addr, list, 8, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot resolve no-such-host.invalid"));
	ck_assert_int_eq(addr_parse("[fe80::1%nosuchif0]:80", &addr, &err), 0);
	ck_assert_int_eq(addr_resolve(&addr, list, 8, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "no interface"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("addr");
	TCase *tc = tcase_create("addr");

	tcase_set_timeout(tc, 60); /* a resolver may take its time to say no */
	tcase_add_loop_test(tc, parse_good, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(tc, parse_bad, 0, ARRAY_SIZE(bad));
	tcase_add_test(tc, parse_long);
	tcase_add_loop_test(tc, format_round_trip, 0, 7);
	tcase_add_test(tc, format_special);
	tcase_add_test(tc, equality);
	tcase_add_test(tc, resolve_kinds);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
