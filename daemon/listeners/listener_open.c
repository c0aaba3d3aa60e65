/* SPDX-License-Identifier: MIT */
/* Master. Makes sockets of what the configuration says: finds them among those that exist, or binds them. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "config/config.h"
#include "listeners/fd_store.h"
#include "listeners/listener.h"
#include "listeners/listener_blame.h"
#include "net/inherited.h"
#include "net/listen_beside.h"
#include "net/listen_quiesce.h"

/* The listeners that are being opened for one service, and where they may come from. */
struct opening {
	const struct config_service *service;
	const struct listener_offers *offers;
	struct inherited_set *inherited;
	int64_t busy_until_ms;
	struct listener *items;
	size_t n;
};

static struct listener *add_listener(struct opening *o, struct err *err)
{
	struct listener *grown = realloc(o->items, (o->n + 1) * sizeof(*grown));

	if (grown == NULL) {
		(void)err_set(err, "no memory for listeners");
		return NULL;
	}
	o->items = grown;
	grown[o->n] = (struct listener){.fd = -1};
	return &grown[o->n++];
}

bool listener_same_key(const struct listener_key *a, const struct listener_key *b)
{
	if (a->name[0] != '\0' || b->name[0] != '\0')
		return a->datagram == b->datagram && strcmp(a->name, b->name) == 0;
	return a->datagram == b->datagram && a->dual == b->dual && a->v6only == b->v6only &&
	       addr_equal(&a->asked, &b->asked);
}

static bool is_lent(const struct opening *o, const struct listener *offer)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->items[i].lender == offer)
			return true;
	return false;
}

static struct listener *find_offer(const struct opening *o, const struct listener_key *key)
{
	for (size_t i = 0; i < o->offers->n; i++) {
		struct listener *offer = o->offers->items[i];

		if (offer->fd >= 0 && !offer->for_good && listener_same_key(&offer->key, key) && !is_lent(o, offer))
			return offer;
	}
	return NULL;
}

static int borrow_offer(struct opening *o, struct listener *offer, struct err *err)
{
	struct listener *listener = add_listener(o, err);

	if (listener == NULL)
		return -1;
	*listener = *offer;
	listener->lender = offer;
	return 0;
}

static int take_inherited(struct opening *o, const struct listener_key *key, int fd, const struct sockaddr_any *where,
			  struct err *err)
{
	struct listener *listener = add_listener(o, err);

	if (listener == NULL) {
		fd_close(&fd);
		return -1;
	}
	listener->key = *key;
	listener->fd = fd;
	listener->inherited = true;
	listener->addr = *where;
	(void)addr_format(where, listener->text, sizeof(listener->text));
	return socket_options_set(fd, where->sa.sa_family, &o->service->socket, err);
}

static int open_named(struct opening *o, const struct addr *addr, struct err *err)
{
	struct listener_key key = {.datagram = addr->datagram};
	struct sockaddr_any where;
	struct listener *offer;
	size_t before = o->n;
	bool datagram;
	int fd;

	(void)snprintf(key.name, sizeof(key.name), "%s", addr->host);
	/* one name may stand for several sockets, of a .socket unit with two ListenStream= lines */
	while ((offer = find_offer(o, &key)) != NULL)
		if (borrow_offer(o, offer, err) < 0)
			return -1;
	while (o->inherited != NULL && (fd = inherited_by_name(o->inherited, addr->host, &where, &datagram)) >= 0) {
		if (datagram != addr->datagram) {
			fd_close(&fd);
			return err_set(err, "%s: the socket that was handed over is for %s", addr->text,
				       datagram ? "datagrams; write udp:systemd:NAME" : "connections");
		}
		if (take_inherited(o, &key, fd, &where, err) < 0)
			return -1;
	}
	if (o->n == before)
		return err_set(err, "%s: no listening socket of that name was handed over", addr->text);
	return 0;
}

/* The kernel has no IPv6, and the host name stands for another address as well. */
static bool can_do_without(const struct sockaddr_any *addr, size_t n, const struct err *err)
{
	return n > 1 && addr->sa.sa_family == AF_INET6 && (err->code == EAFNOSUPPORT || err->code == EADDRNOTAVAIL);
}

/* A socket that a service manager has bound to exactly this address; -1: none. */
static int find_inherited(struct opening *o, const struct listener_key *key, struct sockaddr_any *where_out)
{
	struct sockaddr_any v4 = {.len = sizeof(v4.in)};
	int fd;

	if (o->inherited == NULL)
		return -1;
	*where_out = key->asked;
	fd = inherited_by_addr(o->inherited, where_out, key->datagram);
	if (fd >= 0 || !key->dual)
		return fd;
	/* 0.0.0.0:PORT serves *:PORT, too */
	v4.in.sin_family = AF_INET;
	v4.in.sin_port = key->asked.in6.sin6_port;
	*where_out = v4;
	return inherited_by_addr(o->inherited, where_out, key->datagram);
}

/*
 * Takes a socket that this service bound earlier, and the service manager has kept. The state in which the last daemon
 * left it is not known, so it is opened to clients again and gets all options. -1: there is none, or it is of no use.
 */
static int take_stored(struct opening *o, const struct listener_key *key, const struct sockaddr_any *where)
{
	struct listener *listener;
	struct listen_path path;
	struct err ignored;
	int64_t backlog;
	char name[96];
	int fd;

	if (o->inherited == NULL)
		return -1;
	fd = inherited_stored(o->inherited, where, key->datagram, key->v6only, name, sizeof(name));
	if (fd < 0)
		return -1;
	fd_store_seen(name);
	listener = NULL;
	/* One that is bound to an interface that is gone would take no client any more. */
	if (listen_look(fd) != LISTEN_NO_DEVICE && listen_path_find(fd, where, &path) == 0 &&
	    listen_readmit(fd, o->service->backlog, &backlog, &ignored) == 0 &&
	    socket_options_set(fd, where->sa.sa_family, &o->service->socket, &ignored) == 0)
		listener = add_listener(o, &ignored);
	if (listener == NULL) {
		fd_store_forget(name);
		fd_close(&fd);
		return -1;
	}
	listener->key = *key;
	listener->fd = fd;
	listener->path = path;
	listener->addr = *where;
	listener->reuse_port = o->service->socket.reuse_port;
	(void)snprintf(listener->stored, sizeof(listener->stored), "%s", name);
	(void)addr_format(where, listener->text, sizeof(listener->text));
	return 0;
}

/*
 * Finds the listener among OFFERS because of which the kernel refuses a new socket: it has the same address and differs
 * in an option that only a new socket can have, or one of the two addresses contains the other. NULL: there is none.
 */
static struct listener *find_rival(const struct opening *o, const struct listener_key *key)
{
	const struct sockaddr_any *asked = &key->asked;

	for (size_t i = 0; i < o->offers->n; i++) {
		struct listener *offer = o->offers->items[i];

		if (offer->fd < 0 || offer->inherited || offer->key.datagram || key->datagram ||
		    offer->addr.sa.sa_family == AF_UNIX || asked->sa.sa_family == AF_UNIX ||
		    addr_port(&offer->addr) != addr_port(asked) || is_lent(o, offer))
			continue;
		if (addr_is_wildcard(asked) || addr_is_wildcard(&offer->addr) || addr_equal(&offer->addr, asked))
			return offer;
	}
	return NULL;
}

static int bind_patiently(const struct opening *o, const struct listener_key *key, struct listen_path *path_out,
			  struct err *err)
{
	const struct timespec nap = {.tv_nsec = 20000000};

	for (;;) {
		int fd = listen_bind(&key->asked, key->datagram ? SOCK_DGRAM : SOCK_STREAM, key->dual,
				     &o->service->socket, path_out, err);

		if (fd >= 0 || err->code != EADDRINUSE || clock_ms() >= o->busy_until_ms)
			return fd;
		(void)nanosleep(&nap, NULL);
	}
}

static int bind_one(struct opening *o, const struct listener_key *key, struct err *err)
{
	struct listener *listener, *rival = NULL;
	struct listen_path path;
	int fd = bind_patiently(o, key, &path, err);

	if (fd < 0 && err->code == EADDRINUSE) {
		rival = find_rival(o, key);
		if (rival != NULL)
			fd = listen_beside_bind(rival->fd, &key->asked, key->dual, &o->service->socket, err);
	}
	if (fd < 0) {
		if (err->code == EADDRINUSE)
			listener_blame_holder(key, &o->service->socket, err);
		return -1;
	}
	listener = add_listener(o, err);
	if (listener == NULL) {
		(void)listen_path_unlink(&key->asked, &path);
		fd_close(&fd);
		return -1;
	}
	listener->key = *key;
	listener->fd = fd;
	listener->path = path;
	listener->rival = rival;
	listener->reuse_port = o->service->socket.reuse_port;
	/* the address may differ from what was asked: port 0, or IPv4 where there is no IPv6 */
	listener->addr.len = sizeof(listener->addr.ss);
	if (getsockname(fd, &listener->addr.sa, &listener->addr.len) < 0)
		return err_sys(err, "cannot read a listener's address");
	(void)addr_format(&listener->addr, listener->text, sizeof(listener->text));
	return 0;
}

static int open_one(struct opening *o, const struct listener_key *key, struct err *err)
{
	struct listener *offer = find_offer(o, key);
	struct sockaddr_any where;
	int fd;

	if (offer != NULL)
		return borrow_offer(o, offer, err);
	if (take_stored(o, key, &key->asked) == 0)
		return 0;
	fd = find_inherited(o, key, &where);
	if (fd >= 0)
		return take_inherited(o, key, fd, &where, err);
	return bind_one(o, key, err);
}

static int open_addr(struct opening *o, const struct addr *addr, const struct addr_resolved *resolved, struct err *err)
{
	const struct sockaddr_any *where = resolved->list;
	size_t before = o->n, n = resolved->n;
	struct sockaddr_any literal;

	if (addr->kind == ADDR_SYSTEMD)
		return open_named(o, addr, err);
	if (n == 0) {
		if (addr_resolve(addr, &literal, 1, err) < 1)
			return -1;
		where = &literal;
		n = 1;
	}
	for (size_t i = 0; i < n; i++) {
		struct listener_key key = {
			.asked = where[i],
			.datagram = addr->datagram,
			.dual = addr->kind == ADDR_ANY,
			.v6only = where[i].sa.sa_family == AF_INET6 && addr->kind != ADDR_ANY &&
				  o->service->socket.v6only,
		};

		if (open_one(o, &key, err) == 0)
			continue;
		if (!can_do_without(&where[i], n, err))
			return -1;
		log_msg(LOG_WARNING, "%s: %s; served without it", o->service->name, err->text);
	}
	if (o->n == before)
		return err_set(err, "%s: none of its addresses could be bound", addr->text);
	return 0;
}

void listener_give_back(struct listener *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		listener_close(&list[i]);
	free(list);
}

int listener_open_all(const struct config_service *service, const struct listener_offers *offers,
		      struct inherited_set *inherited, int64_t busy_until_ms, struct listener **list_out, size_t *n_out,
		      struct err *err)
{
	struct opening o = {
		.service = service,
		.offers = offers,
		.inherited = inherited,
		.busy_until_ms = busy_until_ms,
	};

	for (size_t i = 0; i < service->n_listen; i++) {
		if (open_addr(&o, &service->listen[i], &service->resolved[i], err) == 0)
			continue;
		listener_blame_place(service, i, err);
		listener_give_back(o.items, o.n);
		return -1;
	}
	*list_out = o.items;
	*n_out = o.n;
	return 0;
}
