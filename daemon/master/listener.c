/* SPDX-License-Identifier: MIT */
#include "master/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "config/config.h"
#include "net/inherited.h"

#define ADDRESSES_MAX 16 /* of one name */

struct list {
	struct listener *items;
	size_t n;
};

static struct listener *add(struct list *list, struct err *err)
{
	struct listener *grown = realloc(list->items, (list->n + 1) * sizeof(*grown));

	if (grown == NULL) {
		(void)err_set(err, "no memory for listeners");
		return NULL;
	}
	list->items = grown;
	grown[list->n] = (struct listener){.fd = -1};
	return &grown[list->n++];
}

static void tell_backlog(const struct config_service *service, const struct listener *listener)
{
	struct log_about about = {.service = service->name};

	if (listener->backlog < service->backlog && service->backlog_asked)
		log_about(LOG_WARNING, &about,
			  "%s: a backlog of %lld was asked, the kernel gives %lld; raise net.core.somaxconn",
			  listener->text, (long long)service->backlog, (long long)listener->backlog);
	log_about(LOG_INFO, &about, "listening on %s%s, backlog %lld", listener->text,
		  listener->inherited ? " (inherited)" : "", (long long)listener->backlog);
}

/* Makes LISTENER, whose fd and address are set, take clients. */
static int start(const struct config_service *service, struct listener *listener, struct err *err)
{
	struct err why;

	(void)addr_format(&listener->addr, listener->text, sizeof(listener->text));
	if (listen_start(listener->fd, service->backlog, &listener->backlog, &why) < 0) {
		(void)err_set(err, "%s: %s", listener->text, why.text);
		err->code = why.code;
		return -1;
	}
	tell_backlog(service, listener);
	return 0;
}

static int open_inherited(const struct config_service *service, int fd,
			  const struct sockaddr_any *where, struct list *list, struct err *err)
{
	struct listener *listener = add(list, err);

	if (listener == NULL) {
		fd_close(&fd);
		return -1;
	}
	listener->fd = fd;
	listener->inherited = true;
	listener->addr = *where;
	if (socket_options_set(fd, where->sa.sa_family, &service->socket, err) < 0)
		return -1;
	return start(service, listener, err);
}

static int open_named(const struct config_service *service, const struct addr *addr,
		      struct inherited_set *inherited, struct list *list, struct err *err)
{
	struct sockaddr_any where;
	bool any = false;
	int fd;

	/* one name may stand for several sockets: a .socket unit with two ListenStream= lines */
	while ((fd = inherited_by_name(inherited, addr->host, &where)) >= 0) {
		if (open_inherited(service, fd, &where, list, err) < 0)
			return -1;
		any = true;
	}
	if (!any)
		return err_set(err, "%s: no listening socket of that name was handed over", addr->text);
	return 0;
}

/* The kernel has no IPv6, and the name has another address as well. */
static bool can_do_without(const struct sockaddr_any *addr, size_t n, const struct err *err)
{
	return n > 1 && addr->sa.sa_family == AF_INET6 &&
	       (err->code == EAFNOSUPPORT || err->code == EADDRNOTAVAIL);
}

static int open_one(const struct config_service *service, const struct addr *addr,
		    const struct sockaddr_any *where, struct inherited_set *inherited,
		    struct list *list, struct err *err)
{
	struct sockaddr_any v4 = {.len = 0};
	struct listener *listener;
	struct listen_path path;
	int fd = inherited_by_addr(inherited, where);

	if (fd >= 0)
		return open_inherited(service, fd, where, list, err);
	if (addr->kind == ADDR_ANY) { /* 0.0.0.0:PORT serves *:PORT, too */
		v4.len = sizeof(v4.in);
		v4.in.sin_family = AF_INET;
		v4.in.sin_port = where->in6.sin6_port;
		fd = inherited_by_addr(inherited, &v4);
		if (fd >= 0)
			return open_inherited(service, fd, &v4, list, err);
	}
	fd = listen_bind(where, addr->kind == ADDR_ANY, &service->socket, &path, err);
	if (fd < 0)
		return -1;
	listener = add(list, err);
	if (listener == NULL) {
		listen_unlink(where, &path);
		fd_close(&fd);
		return -1;
	}
	listener->fd = fd;
	listener->path = path;
	/* asked for port 0, or fell back to IPv4: see what it became */
	listener->addr.len = sizeof(listener->addr.ss);
	if (getsockname(fd, &listener->addr.sa, &listener->addr.len) < 0)
		return err_sys(err, "cannot read a listener's address");
	return start(service, listener, err);
}

static int open_addr(const struct config_service *service, const struct addr *addr,
		     struct inherited_set *inherited, struct list *list, struct err *err)
{
	struct sockaddr_any where[ADDRESSES_MAX];
	size_t before = list->n;
	int n;

	if (addr->kind == ADDR_SYSTEMD)
		return open_named(service, addr, inherited, list, err);
	n = addr_resolve(addr, where, ADDRESSES_MAX, err);
	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		if (open_one(service, addr, &where[i], inherited, list, err) == 0)
			continue;
		if (!can_do_without(&where[i], (size_t)n, err))
			return -1;
		log_msg(LOG_WARNING, "%s: %s; served without it", service->name, err->text);
	}
	if (list->n == before)
		return err_set(err, "%s: none of its addresses could be bound", addr->text);
	return 0;
}

int listener_open_all(const struct config_service *service, struct inherited_set *inherited,
		      struct listener **list_out, size_t *n_out, struct err *err)
{
	struct list list = {.n = 0};

	for (size_t i = 0; i < service->n_listen; i++) {
		if (open_addr(service, &service->listen[i], inherited, &list, err) == 0)
			continue;
		while (list.n > 0)
			listener_close(&list.items[--list.n]);
		free(list.items);
		return -1;
	}
	*list_out = list.items;
	*n_out = list.n;
	return 0;
}

void listener_quiesce(struct listener *listener)
{
	if (listener->inherited || listener->fd < 0)
		return;
	listen_unlink(&listener->addr, &listener->path);
	listener->path.ino = 0;
	/* A full queue drops SYNs, which the client repeats; what is in it stays acceptable. */
	(void)listen(listener->fd, 0);
}

void listener_close(struct listener *listener)
{
	if (listener->fd >= 0 && !listener->inherited) {
		listen_unlink(&listener->addr, &listener->path);
		(void)shutdown(listener->fd, SHUT_RDWR);
	}
	listener->path.ino = 0;
	fd_close(&listener->fd);
}
