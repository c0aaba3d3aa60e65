/* SPDX-License-Identifier: MIT */
#include "net/listen_quiesce.h"

#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/membarrier.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "net/addr.h"
#include "net/diag.h"
#include "net/listen.h"
#include "net/listen_hide.h"
#include "net/listen_queue.h"
#include "net/socket_kind.h"

#define STATE_SYN_RECV 3 /* of the kernel's include/net/tcp_states.h */
#define SETTLE_MS      50

/*
 * Drops every packet that asks for a new connection: SYN without ACK. The others pass, above all the ACK that completes
 * a handshake, which goes through the filter of the listener, too. Offset 0 is the TCP header for both families
 * (tcp_filter() in net/ipv4/tcp_ipv4.c). Connections inherit the filter, which does not matter: they get no SYN.
 */
static int filter_syns(int fd)
{
	enum { FLAGS_AT = 13, FLAG_SYN = 0x02, FLAG_ACK = 0x10 };
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, FLAG_SYN | FLAG_ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FLAG_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT_MAX),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* Drops every new datagram; those in the queue stay. Needs no capability. */
static int filter_datagrams(int fd)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog program = {.len = 1, .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -1 : 1;
}

static int shrink_backlog(int fd)
{
	/* A full queue drops SYNs, which clients repeat; its connections can still be accepted. */
	return listen(fd, 0) < 0 ? -1 : 0;
}

int listen_quiesce(int fd, const struct sockaddr_any *addr)
{
	if (socket_kind_is_datagram(fd))
		return filter_datagrams(fd);
	/* Not both: a full queue would refuse clients whose handshake is under way. */
	if (addr->sa.sa_family != AF_UNIX && filter_syns(fd) == 0)
		return 1;
	return shrink_backlog(fd);
}

/*
 * After shutdown(2) for reading no client can connect to a unix socket, but those in the queue can be accepted. The
 * kernel decides both under the lock of the socket, so there is no race. poll(2) reports such a socket as readable for
 * ever, so this needs listen_queue() to know when the queue is empty.
 */
static int shut_unix(int fd)
{
	struct listen_queue queue;

	if (listen_queue(fd, &queue) < 0 || queue.queued < 0)
		return shrink_backlog(fd);
	return shutdown(fd, SHUT_RD) < 0 ? -1 : 1;
}

int listen_quiesce_for_good(int fd, const struct sockaddr_any *addr)
{
	if (socket_kind_is_datagram(fd))
		return filter_datagrams(fd);
	if (addr->sa.sa_family == AF_UNIX)
		return shut_unix(fd);
	if (filter_syns(fd) == 0 || listen_hide(fd) == 0)
		return 1;
	return shrink_backlog(fd);
}

void listen_settle(void)
{
	struct timespec ts = {.tv_nsec = SETTLE_MS * 1000000L};

	/* The kernel handles packets in read-side critical sections of RCU, and membarrier(2) waits for their end.
	 * Kernels with nohz_full do not have it. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		(void)nanosleep(&ts, NULL);
}

static bool take_any(const struct nlmsghdr *answer, void *arg)
{
	(void)answer;
	*(bool *)arg = true;
	return false;
}

static int find_handshakes(int family, uint16_t port)
{
	struct inet_diag_req_v2 question = {
		.sdiag_family = (uint8_t)family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = 1U << STATE_SYN_RECV,
		.id = {.idiag_sport = htons(port)},
	};
	bool any = false;

	if (diag_ask(&question, sizeof(question), true, take_any, &any) < 0)
		return -1;
	return any;
}

int listen_handshakes(const struct sockaddr_any *addr)
{
	if (addr->sa.sa_family == AF_UNIX)
		return 0;
	/* On a dual-stack listener all handshakes are IPv6 for the kernel. */
	return find_handshakes(addr->sa.sa_family, addr_port(addr));
}

int listen_refuse(int fd, const struct sockaddr_any *addr)
{
	if (socket_kind_is_datagram(fd))
		return filter_datagrams(fd);
	if (addr->sa.sa_family == AF_UNIX) {
		errno = EOPNOTSUPP; /* could not be undone */
		return -1;
	}
	if (listen_hide_can_undo() && listen_hide(fd) == 0)
		return 1;
	return shutdown(fd, SHUT_RDWR) < 0 ? -1 : 0;
}

int listen_readmit(int fd, int64_t backlog, int64_t *got_out, struct err *err)
{
	int unused = 0;

	if (listen_hide_undo(fd) < 0)
		return err_sys(err, "cannot make a listener reachable again");
	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)) < 0 && errno != ENOENT)
		return err_sys(err, "cannot take the filter off a listener");
	return listen_start(fd, backlog, got_out, err);
}
