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
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "net/diag.h"
#include "net/socket_kind.h"

#define STATE_LISTEN 10 /* of the kernel's include/net/tcp_states.h */

static const struct listen_queue unknown = {-1, -1, -1};

static int64_t read_drops(int fd)
{
	uint32_t meminfo[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(meminfo);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, meminfo, &len) < 0 || len <= SK_MEMINFO_DROPS * sizeof(meminfo[0]))
		return -1;
	return meminfo[SK_MEMINFO_DROPS];
}

/* For datagrams the kernel tells how many were dropped, but not how many wait. */
static int read_datagram_queue(int fd, struct listen_queue *out)
{
	if (!socket_kind_is_datagram(fd))
		return -1;
	if (socket_kind_family(fd) != AF_UNIX)
		out->drops = read_drops(fd);
	return 0;
}

static int read_tcp_queue(int fd, struct listen_queue *out)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -1;
	/* For a listener these two fields are the accept queue and its limit (net/ipv4/tcp.c). */
	out->queued = info.tcpi_unacked;
	out->limit = info.tcpi_sacked;
	out->drops = read_drops(fd);
	return 0;
}

/* The inode of a unix socket; 0 for other files. */
static uint32_t find_unix_inode(int fd)
{
	struct stat st;

	if (socket_kind_family(fd) != AF_UNIX || fstat(fd, &st) < 0)
		return 0;
	return (uint32_t)st.st_ino;
}

/* Reads the lengths from one answer, if it has them. */
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
		/* For a listener: connections in the queue, and its limit (net/unix/diag.c). */
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

/* True if this kernel has unix_diag. Without it every question would run modprobe(8) in vain, so this asks once: a
 * question without an inode is EINVAL if the kernel understands it. */
static bool has_unix_diag(void)
{
	static bool known, tells;
	struct unix_diag_req question = {.sdiag_family = AF_UNIX};

	if (known)
		return tells;
	errno = 0;
	(void)diag_ask(&question, sizeof(question), false, take_one, NULL);
	tells = errno == EINVAL;
	known = tells || errno == ENOENT; /* else the question was not sent */
	return tells;
}

/* A failure leaves *OUT as it is: no netlink (a sandbox), another network namespace. */
static void ask_for_one(uint32_t inode, struct listen_queue *out)
{
	struct unix_diag_req question = {
		.sdiag_family = AF_UNIX,
		.udiag_states = 1U << STATE_LISTEN,
		.udiag_ino = inode,
		.udiag_show = UDIAG_SHOW_RQLEN,
		.udiag_cookie = {~0U, ~0U}, /* any */
	};

	if (has_unix_diag())
		(void)diag_ask(&question, sizeof(question), false, take_one, out);
}

int listen_queue(int fd, struct listen_queue *out)
{
	uint32_t inode;

	*out = unknown;
	if (read_tcp_queue(fd, out) == 0 || read_datagram_queue(fd, out) == 0)
		return 0;
	inode = find_unix_inode(fd);
	if (inode == 0)
		return -1;
	ask_for_one(inode, out);
	return 0;
}
