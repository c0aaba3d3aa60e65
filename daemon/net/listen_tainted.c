/* SPDX-License-Identifier: MIT */
#include "net/listen_tainted.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "net/addr.h"
#include "net/diag.h"

#define STATE_LISTEN 10 /* of the kernel's include/net/tcp_states.h */

struct look {
	uint32_t inode; /* of the listener: another one may share its address */
	bool tainted;
};

static bool take_listener(const struct nlmsghdr *answer, void *arg)
{
	const struct inet_diag_msg *msg = NLMSG_DATA(answer);
	const struct rtattr *attr = (const struct rtattr *)(const void *)(msg + 1);
	struct look *look = arg;
	size_t left;

	if (answer->nlmsg_len < NLMSG_LENGTH(sizeof(*msg)) || msg->idiag_inode != look->inode)
		return false;
	left = answer->nlmsg_len - NLMSG_LENGTH(sizeof(*msg));
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if (attr->rta_type == INET_DIAG_SHUTDOWN && RTA_PAYLOAD(attr) >= 1)
			look->tainted = *(const uint8_t *)RTA_DATA(attr) != 0;
	return false;
}

bool listen_is_tainted(int fd)
{
	struct sockaddr_any own = {.len = sizeof(own.ss)};
	struct inet_diag_req_v2 question = {
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = 1U << STATE_LISTEN,
		.id.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE},
	};
	struct look look = {.tainted = false};
	socklen_t len = sizeof(question.id.idiag_if);
	struct stat st;

	if (fstat(fd, &st) < 0 || getsockname(fd, &own.sa, &own.len) < 0 ||
	    (own.sa.sa_family != AF_INET && own.sa.sa_family != AF_INET6))
		return false;
	look.inode = (uint32_t)st.st_ino;
	question.sdiag_family = (unsigned char)own.sa.sa_family;
	question.id.idiag_sport = htons(addr_port(&own));
	if (own.sa.sa_family == AF_INET)
		memcpy(question.id.idiag_src, &own.in.sin_addr, sizeof(own.in.sin_addr));
	else
		memcpy(question.id.idiag_src, &own.in6.sin6_addr, sizeof(own.in6.sin6_addr));
	(void)getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &question.id.idiag_if, &len);
	(void)diag_ask(&question, sizeof(question), false, take_listener, &look);
	return look.tainted;
}
