/* SPDX-License-Identifier: MIT */
#include "net/address_holder.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/addr.h"
#include "net/diag.h"

#define STATE_LISTEN 10 /* of the kernel's include/net/tcp_states.h */

struct search {
	const struct address_asked *asked;
	struct stat file; /* of a unix socket with a path */
	struct address_holder *out;
	bool found;
};

/* ---- IP ---- */

static struct sockaddr_any address_of(const struct inet_diag_msg *msg)
{
	struct sockaddr_any addr = {.len = sizeof(addr.in6)};

	addr.sa.sa_family = msg->idiag_family;
	if (msg->idiag_family == AF_INET) {
		addr.len = sizeof(addr.in);
		addr.in.sin_port = msg->id.idiag_sport;
		memcpy(&addr.in.sin_addr, msg->id.idiag_src, sizeof(addr.in.sin_addr));
	} else {
		addr.in6.sin6_port = msg->id.idiag_sport;
		memcpy(&addr.in6.sin6_addr, msg->id.idiag_src, sizeof(addr.in6.sin6_addr));
	}
	return addr;
}

static bool is_v6only(const struct nlmsghdr *answer)
{
	const struct inet_diag_msg *msg = NLMSG_DATA(answer);
	const struct rtattr *attr = (const struct rtattr *)(const void *)(msg + 1);
	size_t left = answer->nlmsg_len - NLMSG_LENGTH(sizeof(*msg));

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type == INET_DIAG_SKV6ONLY && RTA_PAYLOAD(attr) >= 1)
			return *(const unsigned char *)RTA_DATA(attr) != 0;
	}
	return false;
}

/* Two sockets of one port. The address of the other family counts if it stands for both families. */
static bool do_overlap(const struct sockaddr_any *a, bool a_v6only, const struct sockaddr_any *b, bool b_v6only)
{
	struct sockaddr_any x = *a, y = *b;

	addr_fold(&x);
	addr_fold(&y);
	if (x.sa.sa_family == AF_INET6 && y.sa.sa_family == AF_INET)
		return addr_is_wildcard(&x) && !a_v6only;
	if (x.sa.sa_family == AF_INET && y.sa.sa_family == AF_INET6)
		return addr_is_wildcard(&y) && !b_v6only;
	if (addr_is_wildcard(&x) || addr_is_wildcard(&y))
		return true;
	if (x.sa.sa_family == AF_INET)
		return x.in.sin_addr.s_addr == y.in.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&x.in6.sin6_addr, &y.in6.sin6_addr);
}

static bool take_inet(const struct nlmsghdr *answer, void *arg)
{
	const struct inet_diag_msg *msg = NLMSG_DATA(answer);
	struct search *search = arg;
	const struct address_asked *asked = search->asked;
	struct sockaddr_any theirs;

	/* The list is read to its end: one that is left unfinished would cost the process its netlink socket. */
	if (search->found || answer->nlmsg_len < NLMSG_LENGTH(sizeof(*msg)) ||
	    ntohs(msg->id.idiag_sport) != addr_port(asked->addr))
		return true;
	if (asked->device != 0 && msg->id.idiag_if != 0 && msg->id.idiag_if != asked->device)
		return true;
	theirs = address_of(msg);
	if (!do_overlap(asked->addr, asked->v6only, &theirs, is_v6only(answer)))
		return true;
	search->found = true;
	*search->out = (struct address_holder){.inode = msg->idiag_inode, .uid = msg->idiag_uid};
	return true;
}

static void find_inet(struct search *search)
{
	static const unsigned char families[] = {AF_INET, AF_INET6};
	struct inet_diag_req_v2 question = {
		.sdiag_protocol = search->asked->datagram ? IPPROTO_UDP : IPPROTO_TCP,
		.idiag_states = search->asked->datagram ? ~0U : 1U << STATE_LISTEN,
	};

	for (size_t i = 0; i < sizeof(families) && !search->found; i++) {
		question.sdiag_family = families[i];
		(void)diag_ask(&question, sizeof(question), true, take_inet, search);
	}
}

/* ---- unix ---- */

/* The name of an abstract socket, which begins with a NUL, is compared; of a path, the file. */
static bool is_the_same(const struct search *search, const struct rtattr *attr)
{
	const struct sockaddr_un *un = &search->asked->addr->un;
	struct unix_diag_vfs vfs;
	size_t len;

	if (un->sun_path[0] == '\0') {
		len = search->asked->addr->len - offsetof(struct sockaddr_un, sun_path);
		return attr->rta_type == UNIX_DIAG_NAME && RTA_PAYLOAD(attr) == len &&
		       memcmp(RTA_DATA(attr), un->sun_path, len) == 0;
	}
	if (attr->rta_type != UNIX_DIAG_VFS || RTA_PAYLOAD(attr) < sizeof(vfs))
		return false;
	memcpy(&vfs, RTA_DATA(attr), sizeof(vfs));
	return vfs.udiag_vfs_ino == (uint32_t)search->file.st_ino;
}

static bool take_unix(const struct nlmsghdr *answer, void *arg)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(answer);
	const struct rtattr *attr = (const struct rtattr *)(const void *)(msg + 1);
	size_t left = answer->nlmsg_len - NLMSG_LENGTH(sizeof(*msg));
	struct search *search = arg;

	for (; RTA_OK(attr, left) && !search->found; attr = RTA_NEXT(attr, left)) {
		if (!is_the_same(search, attr))
			continue;
		search->found = true;
		*search->out = (struct address_holder){.inode = msg->udiag_ino, .uid = (uid_t)-1};
	}
	return true;
}

static void find_unix(struct search *search)
{
	const char *path = search->asked->addr->un.sun_path;
	struct unix_diag_req question = {
		.sdiag_family = AF_UNIX,
		.udiag_states = search->asked->datagram ? ~0U : 1U << STATE_LISTEN,
		.udiag_show = path[0] == '\0' ? UDIAG_SHOW_NAME : UDIAG_SHOW_VFS,
	};

	if (path[0] != '\0' && stat(path, &search->file) < 0)
		return;
	(void)diag_ask(&question, sizeof(question), true, take_unix, search);
}

bool address_holder_find(const struct address_asked *asked, struct address_holder *out)
{
	struct search search = {.asked = asked, .out = out};

	if (asked->addr->sa.sa_family == AF_UNIX)
		find_unix(&search);
	else if (addr_port(asked->addr) != 0)
		find_inet(&search);
	return search.found;
}

/* ---- processes ---- */

static bool has_open(const char *pid, const char *socket)
{
	char folder[64], link[sizeof(folder) + 272], target[64];
	const struct dirent *entry;
	bool found = false;
	ssize_t n;
	DIR *dir;

	(void)snprintf(folder, sizeof(folder), "/proc/%.20s/fd", pid);
	dir = opendir(folder);
	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		(void)snprintf(link, sizeof(link), "%s/%s", folder, entry->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		found = strcmp(target, socket) == 0;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return found;
}

void address_holder_processes(uint32_t inode, int64_t until_ms, bool (*take)(pid_t pid, void *userdata), void *userdata)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	bool more = true;
	char socket[64];

	(void)snprintf(socket, sizeof(socket), "socket:[%u]", (unsigned)inode);
	while (proc != NULL && more && (entry = readdir(proc)) != NULL && (until_ms == 0 || clock_ms() < until_ms)) {
		if (isdigit((unsigned char)entry->d_name[0]) != 0 && has_open(entry->d_name, socket))
			more = take((pid_t)strtol(entry->d_name, NULL, 10), userdata);
	}
	if (proc != NULL)
		(void)closedir(proc);
}

void address_holder_name(pid_t pid, char *out, size_t size)
{
	char path[64], name[32] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f != NULL && fgets(name, sizeof(name), f) != NULL)
		name[strcspn(name, "\n")] = '\0';
	if (f != NULL)
		(void)fclose(f);
	(void)snprintf(out, size, "%s (pid %d)", name, (int)pid);
}
