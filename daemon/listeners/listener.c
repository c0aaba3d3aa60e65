/* SPDX-License-Identifier: MIT */
#include "listeners/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "config/config.h"
#include "listeners/fd_store.h"
#include "net/listen_beside.h"
#include "net/listen_quiesce.h"

void listener_keep(struct listener *listener, const char *service)
{
	if (!listener->inherited && listener->fd >= 0 && listener->stored[0] == '\0')
		(void)fd_store_keep(listener->fd, service, listener->stored, sizeof(listener->stored));
}

static void drop_stored(struct listener *listener)
{
	if (listener->stored[0] != '\0')
		fd_store_forget(listener->stored);
	listener->stored[0] = '\0';
}

static void log_listening(const struct config_service *service, const struct listener *listener)
{
	struct log_about about = {.service = service->name};

	if (!listener->key.datagram && listener->backlog < service->backlog && service->backlog_written)
		log_about(LOG_WARNING, &about,
			  "%s: a backlog of %lld was asked, the kernel gives %lld; raise net.core.somaxconn",
			  listener->text, (long long)service->backlog, (long long)listener->backlog);
	if (listener->key.datagram)
		log_about(LOG_INFO, &about, "listening on %s%s for datagrams", listener->text,
			  listener->inherited ? " (inherited)" : "");
	else
		log_about(LOG_INFO, &about, "listening on %s%s, backlog %lld", listener->text,
			  listener->inherited ? " (inherited)" : "", (long long)listener->backlog);
}

int listener_start(struct listener *listener, const struct config_service *service, struct err *err)
{
	struct err why;

	if (listener->listening)
		return 0;
	if (listen_start(listener->fd, service->backlog, &listener->backlog, &why) < 0) {
		(void)err_set(err, "%s: %s", listener->text, why.text);
		err->code = why.code;
		return -1;
	}
	listener->listening = true;
	log_listening(service, listener);
	return 0;
}

void listener_steer(struct listener *listener)
{
	struct listener *rival = listener->rival;

	listener->rival = NULL;
	if (rival != NULL && rival->fd >= 0 && listener->listening && rival->listening)
		(void)listen_steer(listener->fd, rival->fd, &rival->addr);
	if (rival != NULL)
		listen_unshare(listener->fd, listener->reuse_port);
}

void listener_take(struct listener *listener)
{
	struct listener *lender = listener->lender;

	if (lender == NULL)
		return;
	/* A drain or an undrain since it was borrowed may have changed all of this, the socket included. */
	listener->fd = lender->fd;
	listener->path = lender->path;
	listener->listening = lender->listening;
	listener->refusing = lender->refusing;
	listener->backlog = lender->backlog;
	listener->quiesced_ms = lender->quiesced_ms;
	listener->for_good = lender->for_good;
	(void)memcpy(listener->stored, lender->stored, sizeof(listener->stored));
	lender->fd = -1;
	lender->path.ino = 0;
	lender->stored[0] = '\0';
	listener->lender = NULL;
}

int listener_change(struct listener *listener, const struct config_service *from, const struct config_service *to,
		    struct err *err)
{
	int family = listener->addr.sa.sa_family, rc = 0;

	if (socket_options_change(listener->fd, family, &from->socket, &to->socket, err) < 0)
		rc = -1;
	if (family == AF_UNIX && listener->path.ino != 0 &&
	    listen_path_apply(&listener->addr, &listener->path, &to->socket, err) < 0)
		rc = -1;
	listener->reuse_port = to->socket.reuse_port;
	if (from->backlog == to->backlog || listener->refusing || listener->quiesced_ms != 0)
		return rc;
	listener->listening = false; /* so that listen(2) is called again, which keeps the socket and its queue */
	if (listener_start(listener, to, err) < 0) {
		listener->listening = true;
		rc = -1;
	}
	return rc;
}

void listener_quiesce(struct listener *listener, bool for_good)
{
	if (listener->inherited || listener->fd < 0 || !listener->listening || listener->for_good ||
	    (listener->quiesced_ms != 0 && !for_good))
		return;
	if (for_good)
		drop_stored(listener);
	(void)listen_path_unlink(&listener->addr, &listener->path);
	listener->path.ino = 0;
	if (for_good)
		(void)listen_quiesce_for_good(listener->fd, &listener->addr);
	else
		(void)listen_quiesce(listener->fd, &listener->addr);
	listener->quiesced_ms = clock_ms();
	listener->for_good = for_good;
}

bool listener_is_empty(const struct listener *listener)
{
	int64_t since = clock_ms() - listener->quiesced_ms;

	/* In this order: a connection enters the queue before it leaves the list of handshakes. */
	if (listener->quiesced_ms != 0 && !listener->key.datagram && listener->addr.sa.sa_family != AF_UNIX &&
	    since < LISTEN_HANDSHAKE_MS && listen_handshakes(&listener->addr) > 0)
		return false;
	return !listen_pending(listener->fd);
}

void listener_refuse(struct listener *listener)
{
	if (listener->refusing || listener->inherited || listener->fd < 0)
		return;
	listener->refusing = true;
	(void)listen_path_unlink(&listener->addr, &listener->path);
	listener->path.ino = 0;
	if (!listener->listening)
		return;
	if (listener->addr.sa.sa_family == AF_UNIX && !listener->key.datagram)
		(void)shutdown(listener->fd, SHUT_RDWR);
	else
		(void)listen_refuse(listener->fd, &listener->addr);
}

static bool is_abstract(const struct listener *listener)
{
	return listener->addr.sa.sa_family == AF_UNIX && listener->addr.un.sun_path[0] == '\0';
}

int listener_bind_again(struct listener *listener, const struct config_service *service, struct err *err)
{
	struct listen_path path;
	int fd;

	if (is_abstract(listener)) /* only a closed socket sets its name free */
		fd_close(&listener->fd);
	fd = listen_bind(&listener->key.asked, listener->key.datagram ? SOCK_DGRAM : SOCK_STREAM, listener->key.dual,
			 &service->socket, &path, err);
	if (fd < 0)
		return -1;
	drop_stored(listener);
	fd_close(&listener->fd);
	listener->fd = fd;
	listener->path = path;
	listener_keep(listener, service->name);
	return 0;
}

bool listener_may_return(const struct listener *listener, bool sockets_are_ours)
{
	if (listener->fd < 0 || listener->inherited || listener->addr.sa.sa_family != AF_UNIX)
		return true;
	if (is_abstract(listener))
		return sockets_are_ours || !listener->refusing;
	return listener->refusing || listener->quiesced_ms == 0;
}

int listener_readmit(struct listener *listener, const struct config_service *service, struct err *err)
{
	bool shut = listener->refusing && listener->listening;

	if (listener->fd < 0 || listener->inherited || (!listener->refusing && listener->quiesced_ms == 0))
		return 0;
	if (listener->addr.sa.sa_family == AF_UNIX && (shut || !is_abstract(listener))) {
		if (listener_bind_again(listener, service, err) < 0)
			return -1;
	} else if (listener->quiesced_ms != 0 || shut) {
		if (listen_readmit(listener->fd, service->backlog, &listener->backlog, err) < 0)
			return -1;
	}
	listener->refusing = false;
	listener->quiesced_ms = 0;
	listener->listening = false;
	return listener_start(listener, service, err);
}

void listener_close(struct listener *listener)
{
	if (listener->rival != NULL && listener->rival->fd >= 0)
		listen_unshare(listener->rival->fd, listener->rival->reuse_port);
	listener->rival = NULL;
	if (listener->lender != NULL) {
		listener->fd = -1;
		listener->lender = NULL;
	}
	if (listener->fd >= 0 && !listener->inherited) {
		drop_stored(listener);
		(void)listen_path_unlink(&listener->addr, &listener->path);
		(void)shutdown(listener->fd, SHUT_RDWR);
	}
	listener->path.ino = 0;
	fd_close(&listener->fd);
}
