/* SPDX-License-Identifier: MIT */
#include "net/listen_look.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include "net/addr.h"
#include "net/listen_tainted.h"
#include "net/socket_kind.h"

/* poll(2) tells it of all sockets but those that listen for TCP: shutdown(2) makes them sockets that do not listen. */
static bool is_shut(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP)) != 0;
}

static bool is_listening(int fd)
{
	int listens = 1;
	socklen_t len = sizeof(listens);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 || listens != 0;
}

static bool is_connected(int fd)
{
	struct sockaddr_any peer = {.len = sizeof(peer.ss)};

	return getpeername(fd, &peer.sa, &peer.len) == 0;
}

static bool lacks_device(int fd)
{
	char name[IF_NAMESIZE];
	int index = 0;
	socklen_t len = sizeof(index);

	return getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, &len) == 0 && index > 0 &&
	       if_indextoname((unsigned)index, name) == NULL && errno == ENXIO;
}

enum listen_trouble listen_look(int fd)
{
	bool datagram = socket_kind_is_datagram(fd);

	if (is_shut(fd) || (!datagram && !is_listening(fd)))
		return LISTEN_SHUT;
	if (datagram && is_connected(fd))
		return LISTEN_CONNECTED;
	if (!datagram && listen_is_tainted(fd))
		return LISTEN_SHUT;
	return lacks_device(fd) ? LISTEN_NO_DEVICE : LISTEN_WELL;
}

int listen_disconnect(int fd)
{
	const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	int interface = 0;
	socklen_t len = sizeof(interface);

	/* The kernel forgets the interface together with the peer. Unix sockets have none. */
	if (getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &interface, &len) < 0)
		interface = 0;
	if (connect(fd, &nowhere, sizeof(nowhere)) < 0)
		return -1;
	if (interface == 0)
		return 0;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &interface, sizeof(interface));
}
