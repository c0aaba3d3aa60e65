/* SPDX-License-Identifier: MIT */
/* Networks: parsed, and found in sets; and which sets a peer is in. */
#include "net/networks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "net/addr.h"

#include "../peers.h"
#include "../suite.h"
#include "net/unix_peer.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ENTRIES_MOST  256

static struct arena *arena; /* has the sets of a test */

static void begin(void)
{
	arena = arena_new();
}

static void end(void)
{
	arena_free(&arena);
}

/* ---- one network ---- */

static int uid_of(const char *name, uid_t *out, struct err *err)
{
	if (strcmp(name, "alice") != 0)
		return err_set(err, "there is no user \"%s\"", name);
	*out = 1000;
	return 0;
}

static int gid_of(const char *name, gid_t *out, struct err *err)
{
	if (strcmp(name, "staff") != 0)
		return err_set(err, "there is no group \"%s\"", name);
	*out = 50;
	return 0;
}

static const struct network_names names = {uid_of, gid_of};

/* A network as text again, so that cases fit on a line. */
static const char *shown(const struct network *network)
{
	static char text[128];
	char address[INET6_ADDRSTRLEN];
	size_t len;

	if (network->kind != NETWORK_UNIX) {
		(void)inet_ntop(network->kind == NETWORK_IP4 ? AF_INET : AF_INET6, network->address, address,
				sizeof(address));
		(void)snprintf(text, sizeof(text), "%s/%u", address, network->bits);
		return text;
	}
	len = (size_t)snprintf(text, sizeof(text), "unix:");
	if (network->has_uid)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "uid=%u", network->uid);
	if (network->has_gid)
		(void)snprintf(text + len, sizeof(text) - len, "%sgid=%u", network->has_uid ? "/" : "", network->gid);
	return text;
}

static const struct {
	const char *text, *is;
} good[] = {
	{"192.0.2.7", "192.0.2.7/32"},
	{"10.0.0.0/8", "10.0.0.0/8"},
	{"0.0.0.0/0", "0.0.0.0/0"},
	{"192.0.2.7/32", "192.0.2.7/32"},
	{"192.0.2.6/31", "192.0.2.6/31"},
	{"128.0.0.0/1", "128.0.0.0/1"},
	{"::1", "::1/128"},
	{"::/0", "::/0"},
	{"2001:db8::/32", "2001:db8::/32"},
	{"2001:DB8:0:0::1/128", "2001:db8::1/128"},
	{"2001:db8:8000::/33", "2001:db8:8000::/33"},
	{"::ffff:10.0.0.0/104", "10.0.0.0/8"},
	{"::ffff:10.1.2.3", "10.1.2.3/32"},
	{"::ffff:0:0/96", "0.0.0.0/0"},
	{"::fffe:0:0/95", "::fffe:0:0/95"},
	{"::/80", "::/80"},
	{"unix:", "unix:"},
	{"unix:uid=0", "unix:uid=0"},
	{"unix:gid=33", "unix:gid=33"},
	{"unix:uid=1000/gid=100", "unix:uid=1000/gid=100"},
	{"unix:gid=100/uid=1000", "unix:uid=1000/gid=100"},
	{"unix:uid=4294967294", "unix:uid=4294967294"},
	{"unix:uid=alice", "unix:uid=1000"},
	{"unix:gid=staff", "unix:gid=50"},
	{"unix:uid=alice/gid=staff", "unix:uid=1000/gid=50"},
};

START_TEST(parse_good)
{
	struct err err = {.text = ""};
	struct network network;

	ck_assert_msg(network_parse(good[_i].text, &names, &network, &err) == 0, "%s: %s", good[_i].text, err.text);
	ck_assert_str_eq(shown(&network), good[_i].is);
}
END_TEST

static const struct {
	const char *text, *says;
} bad[] = {
	{"", "empty"},
	{"/8", "no address"},
	{"10.1.2.3/8", "the network is 10.0.0.0/8"},
	{"10.0.0.1/0", "the network is 0.0.0.0/0"},
	{"2001:db8::1/64", "the network is 2001:db8::/64"},
	{"::ffff:10.0.0.1/104", "bits are set beyond"},
	{"::ffff:0:0/95", "bits are set beyond"},
	{"10.0.0.0/33", "more bits than the address has, 32"},
	{"::/129", "more bits than the address has, 128"},
	{"10.0.0.0/", "no number of bits"},
	{"10.0.0.0/x", "not a number of bits"},
	{"10.0.0.0/-1", "not a number of bits"},
	{"10.0.0.0/+8", "not a number of bits"},
	{"10.0.0.0/08", "not a number of bits"},
	{"10.0.0.0/8/8", "not a number of bits"},
	{"10.0.0.0/99999999999999999999", "more bits"},
	{"10.0.0.0/255.0.0.0", "not a mask"},
	{"10.0.0.0 /8", "not an address"},
	{" 10.0.0.0/8", "not an address"},
	{"10.0.0.0/8 ", "not a number of bits"},
	{"10.0.0", "not an IPv4 address"},
	{"010.0.0.1", "not an IPv4 address"},
	{"10.0.0.256", "not an IPv4 address"},
	{"10.0.0.1:80", "without a port"},
	{"[::1]", "without brackets"},
	{"fe80::1%eth0", "zone"},
	{"fe80::g", "not an IPv6 address"},
	{"example.com", "names of hosts"},
	{"*", "names of hosts"},
	{"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd", "too long"},
	{"unix:/run/x", "behind unix:"},
	{"unix:@x", "behind unix:"},
	{"unix:pid=1", "behind unix:"},
	{"unix:uid=", "no user"},
	{"unix:gid=", "no group"},
	{"unix:uid=1/", "nothing behind the last /"},
	{"unix:uid=1/uid=2", "twice"},
	{"unix:gid=1/gid=2", "twice"},
	{"unix:uid=4294967295", "too large"},
	{"unix:uid=99999999999999999999", "too large"},
	{"unix:uid=-1", "there is no user"},
	{"unix:uid=bob", "there is no user"},
	{"unix:gid=bob", "there is no group"},
	{"UNIX:", "without a port"},
};

START_TEST(parse_bad)
{
	struct err err = {.text = ""};
	struct network network;

	ck_assert_int_eq(network_parse(bad[_i].text, &names, &network, &err), -1);
	ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "%s: %s", bad[_i].text, err.text);
	ck_assert_int_eq(network_parse(bad[_i].text, &names, &network, NULL), -1);
}
END_TEST

START_TEST(names_need_somebody_who_knows_them)
{
	const struct network_names none = {NULL, NULL};
	struct err err = {.text = ""};
	struct network network;

	ck_assert_int_eq(network_parse("unix:uid=alice", NULL, &network, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "alice"));
	ck_assert_int_eq(network_parse("unix:gid=staff", &none, &network, &err), -1);
	ck_assert_int_eq(network_parse("unix:uid=7", NULL, &network, &err), 0);
	ck_assert_uint_eq(network.uid, 7);
}
END_TEST

/* ---- sets ---- */

/* The texts, until NULL; "!" in front is rank 1. The value is the index. */
static struct networks *set_of(const char *const *texts)
{
	struct networks_entry entries[ENTRIES_MOST];
	struct networks *set;
	size_t n;

	for (n = 0; texts[n] != NULL; n++) {
		entries[n] = (struct networks_entry){.value = (uint32_t)n, .rank = texts[n][0] == '!'};
		ck_assert_int_eq(network_parse(texts[n] + entries[n].rank, NULL, &entries[n].network, NULL), 0);
	}
	set = networks_new(arena, entries, n);
	memset(entries, 0xff, sizeof(entries)); /* may be freed, says the header */
	return set;
}

#define SET(...) set_of((const char *const[]){__VA_ARGS__, NULL})

static int64_t find(const struct networks *set, const char *text)
{
	struct sockaddr_any peer = at(text);

	return networks_find(set, &peer, NULL);
}

START_TEST(most_specific_wins)
{
	struct networks *set = SET("10.1.0.0/16", "10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "10.1.2.0/24", "2001:db8::/32",
				   "2001:db8::1", "::/0");

	ck_assert_int_eq(find(set, "10.1.2.3"), 2);
	ck_assert_int_eq(find(set, "10.1.2.2"), 4);
	ck_assert_int_eq(find(set, "10.1.2.4"), 4);
	ck_assert_int_eq(find(set, "10.1.1.255"), 0);
	ck_assert_int_eq(find(set, "10.1.3.0"), 0);
	ck_assert_int_eq(find(set, "10.0.255.255"), 1);
	ck_assert_int_eq(find(set, "10.255.255.255"), 1);
	ck_assert_int_eq(find(set, "9.255.255.255"), 3);
	ck_assert_int_eq(find(set, "11.0.0.0"), 3);
	ck_assert_int_eq(find(set, "0.0.0.0"), 3);
	ck_assert_int_eq(find(set, "255.255.255.255"), 3);
	ck_assert_int_eq(find(set, "2001:db8::1"), 6);
	ck_assert_int_eq(find(set, "2001:db8::"), 5);
	ck_assert_int_eq(find(set, "2001:db8::2"), 5);
	ck_assert_int_eq(find(set, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), 5);
	ck_assert_int_eq(find(set, "2001:db9::"), 7);
	ck_assert_int_eq(find(set, "::"), 7);
	ck_assert_int_eq(find(set, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 7);
}
END_TEST

START_TEST(edges_of_ranges)
{
	struct networks *set = SET("10.0.0.0/9", "10.128.0.0/9", "255.255.255.254/31", "0.0.0.0/31",
				   "2001:db8:0:0:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64", "::/127",
				   "2001:db8:0:ffff::/64", "8000::/1");

	ck_assert_int_eq(find(set, "9.255.255.255"), -1);
	ck_assert_int_eq(find(set, "10.0.0.0"), 0);
	ck_assert_int_eq(find(set, "10.127.255.255"), 0);
	ck_assert_int_eq(find(set, "10.128.0.0"), 1);
	ck_assert_int_eq(find(set, "10.255.255.255"), 1);
	ck_assert_int_eq(find(set, "11.0.0.0"), -1);
	ck_assert_int_eq(find(set, "255.255.255.253"), -1);
	ck_assert_int_eq(find(set, "255.255.255.254"), 2);
	ck_assert_int_eq(find(set, "255.255.255.255"), 2);
	ck_assert_int_eq(find(set, "0.0.0.0"), 3);
	ck_assert_int_eq(find(set, "0.0.0.1"), 3);
	ck_assert_int_eq(find(set, "0.0.0.2"), -1);
	/* over the middle of the number */
	ck_assert_int_eq(find(set, "2001:db8::ffff:ffff:ffff:fffe"), -1);
	ck_assert_int_eq(find(set, "2001:db8::ffff:ffff:ffff:ffff"), 4);
	ck_assert_int_eq(find(set, "2001:db8:0:1::"), -1);
	ck_assert_int_eq(find(set, "2001:db8:0:fffe:ffff:ffff:ffff:ffff"), -1);
	ck_assert_int_eq(find(set, "2001:db8:0:ffff::"), 7);
	ck_assert_int_eq(find(set, "2001:db8:0:ffff:ffff:ffff:ffff:ffff"), 7);
	ck_assert_int_eq(find(set, "2001:db8:1::"), -1);
	ck_assert_int_eq(find(set, "ffff:ffff:ffff:fffe:ffff:ffff:ffff:ffff"), 8);
	ck_assert_int_eq(find(set, "ffff:ffff:ffff:ffff::"), 5);
	ck_assert_int_eq(find(set, "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), -1);
	ck_assert_int_eq(find(set, "::1"), 6);
	ck_assert_int_eq(find(set, "::2"), -1);
}
END_TEST

START_TEST(same_network_higher_rank_then_first)
{
	struct networks *set = SET("10.0.0.0/8", "!10.0.0.0/8", "!10.0.0.0/8", "192.0.2.0/24", "192.0.2.0/24",
				   "!192.0.2.0/23", "::1", "!::1", "unix:", "!unix:", "unix:uid=3", "unix:uid=3");
	const struct unix_peer three = {.uid = 3, .gid = 3};
	struct sockaddr_any local = at("unix");

	ck_assert_int_eq(find(set, "10.2.3.4"), 1);
	ck_assert_int_eq(find(set, "192.0.2.1"), 3); /* more specific than what has the higher rank */
	ck_assert_int_eq(find(set, "192.0.3.1"), 5);
	ck_assert_int_eq(find(set, "::1"), 7);
	ck_assert_int_eq(find(set, "unix"), 9);
	ck_assert_int_eq(networks_find(set, &local, &three), 10);
}
END_TEST

START_TEST(mapped_addresses_are_folded)
{
	struct networks *set = SET("::ffff:10.0.0.0/104", "::/0", "192.0.2.1");

	ck_assert_int_eq(find(set, "10.9.9.9"), 0);
	ck_assert_int_eq(find(set, "::ffff:10.9.9.9"), 0);
	ck_assert_int_eq(find(set, "::ffff:192.0.2.1"), 2);
	ck_assert_int_eq(find(set, "::ffff:192.0.2.2"), -1); /* ::/0 is of IPv6 */
	ck_assert_int_eq(find(set, "::192.0.2.1"), 1);
}
END_TEST

START_TEST(clients_of_unix_sockets)
{
	struct networks *set = SET("unix:", "unix:uid=1", "unix:gid=10", "unix:uid=1/gid=10", "!unix:gid=11",
				   "unix:gid=12", "10.0.0.0/8", "unix:uid=2/gid=10", "!unix:uid=2/gid=12");
	struct networks *some = SET("unix:uid=1/gid=10", "unix:gid=10");
	struct sockaddr_any local = at("unix");
	gid_t groups[2];
	struct unix_peer peer = {.uid = 1, .gid = 10, .groups = groups};

	ck_assert_int_eq(networks_find(set, &local, NULL), 0);
	ck_assert_int_eq(networks_find(some, &local, NULL), -1);
	ck_assert_int_eq(networks_find(set, &local, &peer), 3);
	peer.gid = 99;
	ck_assert_int_eq(networks_find(set, &local, &peer), 1);
	peer.groups[0] = 98;
	peer.groups[1] = 10;
	peer.n_groups = 2;
	ck_assert_int_eq(networks_find(set, &local, &peer), 3); /* by a supplementary group */
	peer.uid = 5;
	ck_assert_int_eq(networks_find(set, &local, &peer), 2);
	ck_assert_int_eq(networks_find(some, &local, &peer), 1);
	peer.n_groups = 1;
	ck_assert_int_eq(networks_find(set, &local, &peer), 0);
	ck_assert_int_eq(networks_find(some, &local, &peer), -1);
	/* two groups, as specific as each other: the higher rank, then the first */
	peer.groups[0] = 10;
	peer.groups[1] = 11;
	peer.n_groups = 2;
	ck_assert_int_eq(networks_find(set, &local, &peer), 4);
	peer.groups[0] = 12;
	peer.groups[1] = 10;
	ck_assert_int_eq(networks_find(set, &local, &peer), 2);
	peer.uid = 2;
	ck_assert_int_eq(networks_find(set, &local, &peer), 8);
}
END_TEST

START_TEST(nothing_is_in_no_set)
{
	struct networks *empty = networks_new(arena, NULL, 0);
	struct networks *set = SET("0.0.0.0/0", "::/0", "unix:");
	struct sockaddr_any peer = {.len = 0};

	ck_assert_int_eq(find(empty, "10.0.0.1"), -1);
	ck_assert_int_eq(find(empty, "::1"), -1);
	ck_assert_int_eq(find(empty, "unix"), -1);
	ck_assert_int_eq(find(NULL, "10.0.0.1"), -1);
	ck_assert_int_eq(networks_find(set, &peer, NULL), -1);
	peer = at("10.0.0.1");
	peer.len = sizeof(sa_family_t); /* cut off */
	ck_assert_int_eq(networks_find(set, &peer, NULL), -1);
	peer = at("::1");
	peer.len = sizeof(peer.in);
	ck_assert_int_eq(networks_find(set, &peer, NULL), -1);
	peer.sa.sa_family = AF_NETLINK;
	peer.len = sizeof(peer.ss);
	ck_assert_int_eq(networks_find(set, &peer, NULL), -1);
}
END_TEST

START_TEST(values_have_all_bits)
{
	struct networks_entry entry = {.value = UINT32_MAX};
	struct networks *set;

	ck_assert_int_eq(network_parse("10.0.0.0/8", NULL, &entry.network, NULL), 0);
	set = networks_new(arena, &entry, 1);
	ck_assert_int_eq(find(set, "10.0.0.1"), (int64_t)UINT32_MAX);
}
END_TEST

static const struct {
	const char *const a[4], *const b[4];
	bool equal;
} pairs[] = {
	{{"10.0.0.0/8", "::1"}, {"::ffff:10.0.0.0/104", "0:0::1"}, true},
	{{"10.0.0.0/8"}, {"10.0.0.0/9"}, false},
	/* the same addresses, but not the same networks: together with others that is not the same */
	{{"10.0.0.0/8"}, {"10.0.0.0/8", "10.0.0.0/9"}, false},
	{{"10.0.0.0/8"}, {"11.0.0.0/8"}, false},
	{{"::/1"}, {"::/2"}, false},
	{{"::1"}, {"::2"}, false},
	{{"10.0.0.0/8"}, {NULL}, false},
	{{NULL}, {NULL}, true},
	{{"unix:uid=1"}, {"unix:uid=1"}, true},
	{{"unix:uid=1"}, {"unix:uid=2"}, false},
	{{"unix:uid=1"}, {"unix:gid=1"}, false},
	{{"unix:"}, {"unix:uid=0"}, false},
	{{"10.0.0.0/8", "11.0.0.0/8"}, {"11.0.0.0/8", "10.0.0.0/8"}, false}, /* other values */
	{{"unix:", "unix:uid=1"}, {"unix:uid=1", "unix:"}, false},
};

START_TEST(equal_sets)
{
	struct networks *a = set_of(pairs[_i].a), *b = set_of(pairs[_i].b);

	ck_assert_int_eq(networks_equal(a, b), pairs[_i].equal);
	ck_assert_int_eq(networks_equal(b, a), pairs[_i].equal);
	ck_assert(networks_equal(a, a));
	ck_assert_int_eq(networks_equal(a, NULL), pairs[_i].a[0] == NULL);
	ck_assert_int_eq(networks_equal(NULL, a), pairs[_i].a[0] == NULL);
	ck_assert(networks_equal(NULL, NULL));
}
END_TEST

/* ---- who is there ---- */

START_TEST(who_a_peer_is)
{
	struct unix_peer peer = {.uid = 0};
	int pair[2], none;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(unix_peer_get(pair[0], &peer), 0);
	ck_assert_uint_eq(peer.uid, geteuid());
	ck_assert_uint_eq(peer.gid, getegid());
	none = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(none, 0);
	ck_assert_int_eq(unix_peer_get(none, &peer), -1);
	ck_assert_int_eq(unix_peer_get(-1, &peer), -1);
	ck_assert_int_eq(errno, EBADF);
	unix_peer_clear(&peer);
	(void)close(none);
	(void)close(pair[0]);
	(void)close(pair[1]);
}
END_TEST

/* All of them, whatever the one before had: whoever is denied by the last one is denied. */
START_TEST(a_peer_with_many_groups)
{
	static const size_t counts[] = {200, 0, 63, 64, 65, 5000, 1};
	struct networks *set = SET("unix:", "!unix:gid=5999");
	struct sockaddr_any local = at("unix");
	struct unix_peer peer = {.uid = 0};
	gid_t groups[5000];
	int pair[2];
	size_t i, n;

	if (geteuid() != 0)
		return; /* takes root */
	for (i = 0; i < ARRAY_SIZE(groups); i++)
		groups[i] = (gid_t)(1000 + i);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		n = counts[i];
		ck_assert_int_eq(setgroups(n, groups), 0);
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		ck_assert_int_eq(unix_peer_get(pair[0], &peer), 0);
		ck_assert_uint_eq(peer.n_groups, n);
		if (n > 0)
			ck_assert_int_eq(memcmp(peer.groups, groups, n * sizeof(groups[0])), 0);
		ck_assert_int_eq(networks_find(set, &local, &peer), n == ARRAY_SIZE(groups));
		(void)close(pair[0]);
		(void)close(pair[1]);
	}
	unix_peer_clear(&peer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("networks");
	TCase *tcase = tcase_create("networks");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_loop_test(tcase, parse_good, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(tcase, parse_bad, 0, ARRAY_SIZE(bad));
	tcase_add_test(tcase, names_need_somebody_who_knows_them);
	tcase_add_test(tcase, most_specific_wins);
	tcase_add_test(tcase, edges_of_ranges);
	tcase_add_test(tcase, same_network_higher_rank_then_first);
	tcase_add_test(tcase, mapped_addresses_are_folded);
	tcase_add_test(tcase, clients_of_unix_sockets);
	tcase_add_test(tcase, nothing_is_in_no_set);
	tcase_add_test(tcase, values_have_all_bits);
	tcase_add_loop_test(tcase, equal_sets, 0, ARRAY_SIZE(pairs));
	tcase_add_test(tcase, who_a_peer_is);
	tcase_add_test(tcase, a_peer_with_many_groups);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
