/* SPDX-License-Identifier: MIT */
#include "net/inherited.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/err.h"
#include "base/fds.h"

/* Why this descriptor cannot be a listener of ours; NULL: it can. Sets address and kind. */
static const char *check_socket(struct inherited *item)
{
	struct sockaddr_any peer;
	int type, listening;
	socklen_t len = sizeof(type);

	if (getsockopt(item->fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return "it is no socket";
	item->addr.len = sizeof(item->addr.ss);
	if (getsockname(item->fd, &item->addr.sa, &item->addr.len) < 0) {
		item->addr.len = 0;
		return "it has no address";
	}
	if (item->addr.sa.sa_family != AF_INET && item->addr.sa.sa_family != AF_INET6 &&
	    item->addr.sa.sa_family != AF_UNIX)
		return "its address family is not served";
	item->datagram = type == SOCK_DGRAM;
	if (item->datagram)
		return NULL;
	if (type != SOCK_STREAM)
		return "it is neither for streams nor for datagrams";
	len = sizeof(listening);
	if (getsockopt(item->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening)
		return NULL;
	peer.len = sizeof(peer.ss);
	return getpeername(item->fd, &peer.sa, &peer.len) == 0 ? "it is a connection; the socket unit needs Accept=no"
							       : "it does not listen";
}

int inherited_close_others(struct err *err)
{
	int n = sd_listen_fds(0);

	if (fds_close_from(SD_LISTEN_FDS_START + (n > 0 ? n : 0)) < 0)
		return err_sys(err, "cannot close the descriptors that were inherited");
	return 0;
}

int inherited_import(struct inherited_set *set, struct err *err)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	*set = (struct inherited_set){.n = 0};
	if (n < 0) {
		return err_code(err, -n, "LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES do not fit together");
	}
	if (n == 0)
		return 0;
	set->items = calloc((size_t)n, sizeof(*set->items));
	if (set->items == NULL) {
		for (int i = 0; i < n; i++)
			free(names[i]);
		free(names);
		return err_set(err, "no memory for inherited sockets");
	}
	set->n = (size_t)n;
	for (int i = 0; i < n; i++) {
		set->items[i].fd = SD_LISTEN_FDS_START + i;
		set->items[i].name = names[i];
		set->items[i].stored = strncmp(names[i], INHERITED_STORED, strlen(INHERITED_STORED)) == 0;
		set->items[i].unfit = check_socket(&set->items[i]);
	}
	free(names);
	return 0;
}

static int claim_item(struct inherited *item)
{
	int fd = item->fd;

	item->fd = -1;
	return fd;
}

int inherited_by_name(struct inherited_set *set, const char *name, struct sockaddr_any *addr_out, bool *datagram_out)
{
	for (size_t i = 0; i < set->n; i++) {
		struct inherited *item = &set->items[i];

		if (item->fd < 0 || item->stored || item->unfit != NULL || strcmp(item->name, name) != 0)
			continue;
		*addr_out = item->addr;
		*datagram_out = item->datagram;
		return claim_item(item);
	}
	return -1;
}

int inherited_by_addr(struct inherited_set *set, const struct sockaddr_any *addr, bool datagram)
{
	for (size_t i = 0; i < set->n; i++) {
		struct inherited *item = &set->items[i];

		if (item->fd >= 0 && !item->stored && item->unfit == NULL && item->datagram == datagram &&
		    addr_equal(&item->addr, addr))
			return claim_item(item);
	}
	return -1;
}

static bool is_v6only(int fd)
{
	int only = 0;
	socklen_t len = sizeof(only);

	return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 && only != 0;
}

int inherited_stored(struct inherited_set *set, const struct sockaddr_any *addr, bool datagram, bool v6only,
		     char *name_out, size_t size)
{
	for (size_t i = 0; i < set->n; i++) {
		struct inherited *item = &set->items[i];

		if (item->fd < 0 || !item->stored || item->unfit != NULL || item->datagram != datagram ||
		    !addr_equal(&item->addr, addr) || (addr->sa.sa_family == AF_INET6 && is_v6only(item->fd) != v6only))
			continue;
		(void)snprintf(name_out, size, "%s", item->name);
		return claim_item(item);
	}
	return -1;
}

void inherited_clear(struct inherited_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		fd_close(&set->items[i].fd);
		free(set->items[i].name);
	}
	free(set->items);
	*set = (struct inherited_set){.n = 0};
}
