/* SPDX-License-Identifier: MIT */
#include "net/local_address.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fds.h"
#include "net/addr.h"

/* The sysctl NAME lets every socket bind addresses that are not there. */
static bool is_set(const char *name)
{
	FILE *f = fopen(name, "re");
	int value = 0;

	if (f == NULL)
		return false;
	if (fscanf(f, "%d", &value) != 1)
		value = 0;
	(void)fclose(f);
	return value != 0;
}

/* bind(2) looks the address up in the table of local routes: one route may stand for many addresses (127.0.0.0/8). */
static bool has_local_route(const struct in_addr *addr)
{
	struct {
		struct nlmsghdr head;
		struct rtmsg route;
		struct rtattr attr;
		struct in_addr destination;
	} question = {
		.head = {.nlmsg_len = sizeof(question), .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
		.route = {.rtm_family = AF_INET, .rtm_dst_len = 32},
		.attr = {.rta_len = RTA_LENGTH(sizeof(*addr)), .rta_type = RTA_DST},
		.destination = *addr,
	};
	_Alignas(struct nlmsghdr) char answer[4096];
	const struct nlmsghdr *head = (const struct nlmsghdr *)(const void *)answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t n = -1;

	/* The kernel answers within send(2). */
	if (fd >= 0 && send(fd, &question, sizeof(question), MSG_NOSIGNAL) >= 0)
		n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	fd_close(&fd);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct rtmsg)))
		return true;
	if (head->nlmsg_type == NLMSG_ERROR) /* no route leads there, or the question was not allowed */
		return ((const struct nlmsgerr *)NLMSG_DATA(head))->error == -EPERM;
	switch (((const struct rtmsg *)NLMSG_DATA(head))->rtm_type) {
	case RTN_LOCAL:
	case RTN_BROADCAST:
	case RTN_MULTICAST:
		return true;
	default:
		return false;
	}
}

static bool is_on_interface(const struct sockaddr_in6 *addr)
{
	struct ifaddrs *list, *at;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return true;
	for (at = list; at != NULL && !found; at = at->ifa_next) {
		const struct sockaddr_in6 *theirs = (const struct sockaddr_in6 *)(const void *)at->ifa_addr;

		found = theirs != NULL && theirs->sin6_family == AF_INET6 &&
			IN6_ARE_ADDR_EQUAL(&theirs->sin6_addr, &addr->sin6_addr) &&
			(addr->sin6_scope_id == 0 || theirs->sin6_scope_id == addr->sin6_scope_id);
	}
	freeifaddrs(list);
	return found;
}

bool local_address_exists(const struct sockaddr_any *addr)
{
	struct sockaddr_any folded = *addr;

	addr_fold(&folded);
	if (addr_is_wildcard(&folded))
		return true;
	if (folded.sa.sa_family == AF_INET)
		return is_set("/proc/sys/net/ipv4/ip_nonlocal_bind") || has_local_route(&folded.in.sin_addr);
	return IN6_IS_ADDR_MULTICAST(&folded.in6.sin6_addr) || is_set("/proc/sys/net/ipv6/ip_nonlocal_bind") ||
	       is_on_interface(&folded.in6);
}
