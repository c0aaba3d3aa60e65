/* SPDX-License-Identifier: MIT */
/* Clients by their address, for the tests of who gets in. */
#ifndef PREFORKD_TESTS_PEERS_H
#define PREFORKD_TESTS_PEERS_H

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

#include "net/addr.h"

/* "192.0.2.7", "2001:db8::7" or "unix", at port 0. */
static inline struct sockaddr_any at(const char *text)
{
	struct sockaddr_any out;

	memset(&out, 0, sizeof(out));
	if (strcmp(text, "unix") == 0) {
		out.un.sun_family = AF_UNIX;
		out.len = sizeof(sa_family_t);
	} else if (inet_pton(AF_INET, text, &out.in.sin_addr) == 1) {
		out.in.sin_family = AF_INET;
		out.len = sizeof(out.in);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &out.in6.sin6_addr), 1);
		out.in6.sin6_family = AF_INET6;
		out.len = sizeof(out.in6);
	}
	return out;
}

#endif
