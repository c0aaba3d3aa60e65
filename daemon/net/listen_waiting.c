/* SPDX-License-Identifier: MIT */
#include "net/listen_waiting.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "net/addr.h"
#include "net/diag.h"

/* From the kernel's include/net/tcp_states.h. In the third the client has finished, and we have not. */
#define STATE_ESTABLISHED 1
#define STATE_LISTEN	  10
#define STATE_CLOSE_WAIT  8

#define FEW 64

struct look {
	struct sockaddr_any own; /* the listener's address */
	struct listen_waiting *out;
	size_t room;
	bool failed;
};

static bool add_id(struct look *look, uint64_t id)
{
	struct listen_waiting *out = look->out;
	uint64_t *grown;

	if (out->n == look->room) {
		look->room = look->room > 0 ? 2 * look->room : FEW;
		grown = realloc(out->ids, look->room * sizeof(*grown));
		if (grown == NULL) {
			look->failed = true;
			return false;
		}
		out->ids = grown;
	}
	out->ids[out->n++] = id;
	return true;
}

/* ---- TCP ---- */

static bool is_of_listener(const struct look *look, const struct inet_diag_msg *msg)
{
	const struct sockaddr_any *own = &look->own;

	if (addr_is_wildcard(own))
		return true;
	return own->sa.sa_family == AF_INET
		       ? memcmp(msg->id.idiag_src, &own->in.sin_addr, sizeof(own->in.sin_addr)) == 0
		       : memcmp(msg->id.idiag_src, &own->in6.sin6_addr, sizeof(own->in6.sin6_addr)) == 0;
}

/* A connection has an inode once it was accepted. */
static bool take_inet(const struct nlmsghdr *answer, void *arg)
{
	const struct inet_diag_msg *msg = NLMSG_DATA(answer);
	struct look *look = arg;

	if (answer->nlmsg_len < NLMSG_LENGTH(sizeof(*msg)) || !is_of_listener(look, msg))
		return true;
	if (msg->idiag_inode == 0)
		return add_id(look, (uint64_t)msg->id.idiag_cookie[1] << 32 | msg->id.idiag_cookie[0]);
	look->out->served = true;
	return true;
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int look_at_inet(struct look *look)
{
	struct inet_diag_req_v2 question = {
		.sdiag_family = (unsigned char)look->own.sa.sa_family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = 1U << STATE_ESTABLISHED | 1U << STATE_CLOSE_WAIT,
		.id.idiag_sport = htons(addr_port(&look->own)),
	};

	if (diag_ask(&question, sizeof(question), true, take_inet, look) < 0)
		return -1;
	if (look->out->n > 0)
		qsort(look->out->ids, look->out->n, sizeof(*look->out->ids), compare_ids);
	return 0;
}

/* ---- unix ---- */

static const struct rtattr *find_attribute(const struct nlmsghdr *answer, unsigned type)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(answer);
	const struct rtattr *attr = (const struct rtattr *)(const void *)(msg + 1);
	size_t left = answer->nlmsg_len - NLMSG_LENGTH(sizeof(*msg));

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if (attr->rta_type == type)
			return attr;
	return NULL;
}

/* The kernel names those in the queue by the inodes of the clients' own sockets. */
static bool take_queue(const struct nlmsghdr *answer, void *arg)
{
	const struct rtattr *attr = find_attribute(answer, UNIX_DIAG_ICONS);
	struct look *look = arg;
	uint32_t inode;

	for (size_t at = 0; attr != NULL && at + sizeof(inode) <= RTA_PAYLOAD(attr); at += sizeof(inode)) {
		memcpy(&inode, (const char *)RTA_DATA(attr) + at, sizeof(inode));
		if (!add_id(look, inode))
			break;
	}
	return false;
}

/* An accepted connection has the name of its listener. The kernel lists none that waits. */
static bool take_connection(const struct nlmsghdr *answer, void *arg)
{
	const struct rtattr *attr = find_attribute(answer, UNIX_DIAG_NAME);
	struct look *look = arg;
	size_t len = look->own.len - offsetof(struct sockaddr_un, sun_path);

	look->out->served |=
		attr != NULL && RTA_PAYLOAD(attr) == len && memcmp(RTA_DATA(attr), look->own.un.sun_path, len) == 0;
	return !look->out->served;
}

static int look_at_unix(struct look *look, int fd)
{
	struct unix_diag_req question = {
		.sdiag_family = AF_UNIX,
		.udiag_states = 1U << STATE_LISTEN,
		.udiag_show = UDIAG_SHOW_ICONS,
		.udiag_cookie = {~0U, ~0U}, /* any */
	};
	struct stat st;

	look->out->in_order = true;
	if (fstat(fd, &st) < 0)
		return -1;
	question.udiag_ino = (uint32_t)st.st_ino;
	/* Fails where more than about 1000 clients wait. */
	if (diag_ask(&question, sizeof(question), false, take_queue, look) < 0)
		return -1;
	question.udiag_states = 1U << STATE_ESTABLISHED;
	question.udiag_show = UDIAG_SHOW_NAME;
	question.udiag_ino = 0;
	return diag_ask(&question, sizeof(question), true, take_connection, look);
}

/* ---- */

int listen_waiting_look(int fd, struct listen_waiting *out)
{
	struct look look = {.own = {.len = sizeof(look.own.ss)}, .out = out};
	int rc;

	*out = (struct listen_waiting){.n = 0};
	if (getsockname(fd, &look.own.sa, &look.own.len) < 0)
		return -1;
	rc = look.own.sa.sa_family == AF_UNIX ? look_at_unix(&look, fd) : look_at_inet(&look);
	if (rc == 0 && !look.failed)
		return 0;
	listen_waiting_free(out);
	return -1;
}

void listen_waiting_free(struct listen_waiting *waiting)
{
	free(waiting->ids);
	*waiting = (struct listen_waiting){.n = 0};
}

/* The place of a client in the queue is the number of those before it, which only accept(2) changes. */
static enum listen_taking compare_places(const struct listen_waiting *before, const struct listen_waiting *after)
{
	for (size_t i = 0; i < before->n; i++) {
		if (before->ids[i] == 0)
			continue;
		for (size_t k = 0; k < after->n; k++)
			if (after->ids[k] == before->ids[i])
				return k == i ? TAKING_NONE : TAKING_SOME;
	}
	return after->n < before->n ? TAKING_SOME : TAKING_UNKNOWN;
}

/* The oldest is accepted first, but which one that is is not known: so all must still be there. */
static enum listen_taking compare_sets(const struct listen_waiting *before, const struct listen_waiting *after)
{
	size_t left = 0;

	for (size_t i = 0; i < before->n && after->n > 0; i++)
		left += bsearch(&before->ids[i], after->ids, after->n, sizeof(*after->ids), compare_ids) != NULL;
	if (before->n == 0)
		return TAKING_UNKNOWN;
	if (left == 0)
		return TAKING_SOME;
	return left == before->n ? TAKING_NONE : TAKING_UNKNOWN;
}

enum listen_taking listen_waiting_compare(const struct listen_waiting *before, const struct listen_waiting *after)
{
	enum listen_taking taking;

	if (after->served)
		return TAKING_SOME;
	taking = after->in_order ? compare_places(before, after) : compare_sets(before, after);
	return taking == TAKING_NONE && before->served ? TAKING_UNKNOWN : taking;
}
