/* SPDX-License-Identifier: MIT */
#include "net/datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fds.h"

union control { /* room for all three, aligned for their headers */
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo)) +
		   CMSG_SPACE(sizeof(struct ucred))];
	struct cmsghdr align;
};

/* Begins the control message for the answer; returns where its data go. */
static void *lay_control(struct datagram *d, int level, int type, size_t size)
{
	struct cmsghdr *cmsg = (struct cmsghdr *)(void *)d->control;

	_Static_assert(sizeof(d->control) >= CMSG_SPACE(sizeof(struct in6_pktinfo)), "room for either");
	memset(d->control, 0, sizeof(d->control));
	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(size);
	d->control_len = CMSG_SPACE(size);
	return CMSG_DATA(cmsg);
}

static void keep_v4(struct datagram *d, const struct cmsghdr *cmsg)
{
	struct in_pktinfo info, *back;

	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	/* The address that the packet was sent to, and our address for it: they differ for broadcasts. */
	if (info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr)
		d->to_many = true;
	if (d->peer.sa.sa_family != AF_INET) /* a dual-stack socket: keep_v6() handles the answer */
		return;
	back = lay_control(d, IPPROTO_IP, IP_PKTINFO, sizeof(*back));
	memcpy(&back->ipi_spec_dst, &info.ipi_spec_dst, sizeof(info.ipi_spec_dst));
}

static void keep_v6(struct datagram *d, const struct cmsghdr *cmsg)
{
	struct in6_pktinfo info, back = {.ipi6_ifindex = 0};

	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	back.ipi6_addr = info.ipi6_addr;
	if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
		d->to_many = true;
	if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) /* is valid only with its interface */
		back.ipi6_ifindex = info.ipi6_ifindex;
	memcpy(lay_control(d, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(back)), &back, sizeof(back));
}

static void keep_sender(struct datagram *d, const struct cmsghdr *cmsg)
{
	struct ucred cred;

	memcpy(&cred, CMSG_DATA(cmsg), sizeof(cred));
	d->sender.uid = cred.uid;
	d->sender.gid = cred.gid;
	d->sender.n_groups = 0;
	d->has_sender = true;
}

/* recvmsg(2) returns 0 on a socket that was shut down, and for an empty datagram of an unnamed peer. */
static bool is_shut(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP)) != 0;
}

static bool is_on(int fd, int level, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, option, &value, &len) == 0 && value != 0;
}

void datagram_init(struct datagram *d, int fd)
{
	struct sockaddr_any name = {.len = sizeof(name.ss)};

	d->socket = fd;
	d->with_control = is_on(fd, IPPROTO_IP, IP_PKTINFO) || is_on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO) ||
			  is_on(fd, SOL_SOCKET, SO_PASSCRED);
	d->one_address =
		getsockname(fd, &name.sa, &name.len) == 0 && name.sa.sa_family != AF_UNIX && !addr_is_wildcard(&name);
}

static ssize_t receive_with_control(int fd, struct datagram *d)
{
	union control control;
	struct iovec iov = {.iov_base = d->bytes, .iov_len = sizeof(d->bytes)};
	struct msghdr msg = {
		.msg_name = &d->peer.ss,
		.msg_namelen = sizeof(d->peer.ss),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *cmsg;
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -1;
	d->cut = (msg.msg_flags & MSG_TRUNC) != 0;
	d->peer.len = msg.msg_namelen;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg != NULL; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO)
			keep_v6(d, cmsg);
		else if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO)
			keep_v4(d, cmsg);
		else if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_CREDENTIALS)
			keep_sender(d, cmsg);
		else
			fds_close_received(cmsg);
	}
	/* The address is one of this host's own, and so it is for all later datagrams: no control messages are needed.
	 */
	if (d->one_address && !d->to_many)
		d->with_control = false;
	return n;
}

/* Without control messages, recvfrom(2) and sendto(2) make an echo 6 % cheaper. */
static ssize_t receive_plain(int fd, struct datagram *d)
{
	d->peer.len = sizeof(d->peer.ss);
	return recvfrom(fd, d->bytes, sizeof(d->bytes), 0, &d->peer.sa, &d->peer.len);
}

ssize_t datagram_receive(int fd, struct datagram *d)
{
	ssize_t n;

	d->control_len = 0;
	d->to_many = d->has_sender = d->cut = false;
	n = d->with_control ? receive_with_control(fd, d) : receive_plain(fd, d);
	if (n < 0)
		return -1;
	/* not FD: it may be another file by now, one that was not shut down */
	if (n == 0 && d->peer.len == 0 && is_shut(d->socket)) {
		errno = EINVAL;
		return -1;
	}
	d->len = (size_t)n;
	d->nameless = d->peer.len < sizeof(d->peer.sa.sa_family);
	if (d->nameless) {
		d->peer.sa.sa_family = AF_UNIX; /* peers of other families always have an address */
		d->peer.len = sizeof(d->peer.sa.sa_family);
	}
	return n;
}

static ssize_t send_from_address(int fd, const struct datagram *to, const void *bytes, size_t len)
{
	struct iovec iov = {.iov_base = (void *)bytes, .iov_len = len};
	struct msghdr msg = {
		.msg_name = (void *)&to->peer.ss,
		.msg_namelen = to->peer.len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = (void *)to->control,
		.msg_controllen = to->control_len,
	};

	return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int datagram_answer(int fd, const struct datagram *to, const void *bytes, size_t len)
{
	ssize_t n;

	do
		n = to->control_len > 0
			    ? send_from_address(fd, to, bytes, len)
			    : sendto(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL, &to->peer.sa, to->peer.len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}
