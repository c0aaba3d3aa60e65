/* SPDX-License-Identifier: MIT */
#include "net/listen_queue.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h> /* netinet/tcp.h knows a shorter struct tcp_info */
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "net/diag.h"
#include "net/socket_kind.h"

#define STATE_LISTEN 10 /* of the kernel's include/net/tcp_states.h */
#define FEW	     8	/* so many unix sockets are asked for one by one, more with one list */

static const struct listen_queue untold = {-1, -1, -1};

static int64_t drops_of(int fd)
{
	uint32_t meminfo[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(meminfo);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, meminfo, &len) < 0 || len <= SK_MEMINFO_DROPS * sizeof(meminfo[0]))
		return -1;
	return meminfo[SK_MEMINFO_DROPS];
}

/* Of datagrams only what was thrown away is told, in numbers; how many wait is not. */
static int datagram_queue(int fd, struct listen_queue *out)
{
	if (!socket_kind_is_datagram(fd))
		return -1;
	if (socket_kind_family(fd) != AF_UNIX)
		out->drops = drops_of(fd);
	return 0;
}

static int tcp_queue(int fd, struct listen_queue *out)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -1;
	/* on a listener these two fields are the accept queue and its limit (net/ipv4/tcp.c) */
	out->queued = info.tcpi_unacked;
	out->limit = info.tcpi_sacked;
	out->drops = drops_of(fd);
	return 0;
}

/* The inode of a unix socket, 0 for anything else. */
static uint32_t unix_inode(int fd)
{
	struct stat st;

	if (socket_kind_family(fd) != AF_UNIX || fstat(fd, &st) < 0)
		return 0;
	return (uint32_t)st.st_ino;
}

struct unix_answer {
	uint32_t inode;
	struct listen_queue *out;
};

/* The lengths that one answer tells, if it has any. */
static void read_lengths(const struct nlmsghdr *answer, struct listen_queue *out)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(answer);
	const struct rtattr *attr = (const struct rtattr *)(const void *)(msg + 1);
	size_t left = answer->nlmsg_len - NLMSG_LENGTH(sizeof(*msg));
	struct unix_diag_rqlen rqlen;

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type != UNIX_DIAG_RQLEN || RTA_PAYLOAD(attr) < sizeof(rqlen))
			continue;
		memcpy(&rqlen, RTA_DATA(attr), sizeof(rqlen));
		/* on a listener: who is queued, and how many may be (net/unix/diag.c) */
		out->queued = rqlen.udiag_rqueue;
		out->limit = rqlen.udiag_wqueue;
	}
}

static bool is_listener(const struct nlmsghdr *answer)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(answer);

	return answer->nlmsg_len >= NLMSG_LENGTH(sizeof(*msg)) && msg->udiag_state == STATE_LISTEN;
}

static bool take_one(const struct nlmsghdr *answer, void *arg)
{
	if (arg != NULL && is_listener(answer))
		read_lengths(answer, arg);
	return false;
}

/* Has this kernel unix_diag? Every question to one that has not would run modprobe(8) in vain, so
 * this is found out once: a question without an inode is invalid where questions are understood. */
static bool tells_unix(void)
{
	static bool known, tells;
	struct unix_diag_req question = {.sdiag_family = AF_UNIX};

	if (known)
		return tells;
	errno = 0;
	(void)diag_ask(&question, sizeof(question), false, take_one, NULL);
	tells = errno == EINVAL;
	known = tells || errno == ENOENT; /* else it was not even asked */
	return tells;
}

/* What fails leaves "untold": no netlink (a sandbox), another network namespace. */
static void ask_one(uint32_t inode, struct listen_queue *out)
{
	struct unix_diag_req question = {
		.sdiag_family = AF_UNIX,
		.udiag_states = 1U << STATE_LISTEN,
		.udiag_ino = inode,
		.udiag_show = UDIAG_SHOW_RQLEN,
		.udiag_cookie = {~0U, ~0U}, /* any */
	};

	if (tells_unix())
		(void)diag_ask(&question, sizeof(question), false, take_one, out);
}

int listen_queue(int fd, struct listen_queue *out)
{
	uint32_t inode;

	*out = untold;
	if (tcp_queue(fd, out) == 0 || datagram_queue(fd, out) == 0)
		return 0;
	inode = unix_inode(fd);
	if (inode == 0)
		return -1;
	ask_one(inode, out);
	return 0;
}

struct wanted {
	struct unix_answer *items;
	size_t n;
};

static int by_inode(const void *a, const void *b)
{
	const struct unix_answer *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

static bool take_wanted(const struct nlmsghdr *answer, void *arg)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(answer);
	const struct wanted *wanted = arg;
	struct unix_answer key = {.inode = 0};
	const struct unix_answer *found;

	if (!is_listener(answer))
		return true;
	key.inode = msg->udiag_ino;
	found = bsearch(&key, wanted->items, wanted->n, sizeof(key), by_inode);
	if (found != NULL)
		read_lengths(answer, found->out);
	return true;
}

static void ask_all(struct wanted *wanted)
{
	struct unix_diag_req question = {
		.sdiag_family = AF_UNIX,
		.udiag_states = 1U << STATE_LISTEN,
		.udiag_show = UDIAG_SHOW_RQLEN,
	};

	qsort(wanted->items, wanted->n, sizeof(*wanted->items), by_inode);
	if (tells_unix())
		(void)diag_ask(&question, sizeof(question), true, take_wanted, wanted);
}

void listen_queues(const int *fds, size_t n, struct listen_queue *out)
{
	struct wanted wanted = {.n = 0};
	size_t missing = 0;

	wanted.items = calloc(n > 0 ? n : 1, sizeof(*wanted.items));
	for (size_t i = 0; i < n; i++) {
		uint32_t inode;

		out[i] = untold;
		if (fds[i] < 0 || tcp_queue(fds[i], &out[i]) == 0 || datagram_queue(fds[i], &out[i]) == 0)
			continue;
		inode = unix_inode(fds[i]);
		if (inode == 0)
			continue;
		if (wanted.items == NULL)
			ask_one(inode, &out[i]);
		else
			wanted.items[wanted.n++] = (struct unix_answer){inode, &out[i]};
	}
	if (wanted.items == NULL)
		return;
	if (wanted.n > FEW)
		ask_all(&wanted);
	/* A list is no snapshot: while sockets come and go, one may be left out. Where many are,
	 * the kernel does not tell at all. */
	for (size_t i = 0; i < wanted.n && missing < FEW; i++) {
		if (wanted.items[i].out->queued >= 0)
			continue;
		ask_one(wanted.items[i].inode, wanted.items[i].out);
		missing++;
	}
	free(wanted.items);
}
