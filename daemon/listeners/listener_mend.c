/* SPDX-License-Identifier: MIT */
#include "listeners/listener_mend.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fds.h"
#include "config/config.h"
#include "listeners/listener.h"
#include "net/listen.h"
#include "net/listen_queue.h"

/* `path` marks the file that we have made; an inherited socket has no mark. */
static bool lacks_path(const struct listener *listener)
{
	struct stat st;

	if (listener->addr.sa.sa_family != AF_UNIX || listener->path.ino == 0 || listener->inherited)
		return false;
	if (lstat(listener->addr.un.sun_path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR;
	return st.st_dev != listener->path.dev || st.st_ino != listener->path.ino;
}

static bool takes_clients(const struct listener *listener)
{
	return listener->fd >= 0 && listener->listening && !listener->refusing && listener->quiesced_ms == 0 &&
	       listener->lender == NULL;
}

enum listen_trouble listener_look(const struct listener *listener)
{
	enum listen_trouble trouble;

	if (listener->lost)
		return LISTEN_SHUT;
	if (!takes_clients(listener))
		return LISTEN_WELL;
	trouble = listen_look(listener->fd);
	return trouble == LISTEN_WELL && lacks_path(listener) ? LISTEN_NO_PATH : trouble;
}

/* Only TCP lets a socket that was shut down listen again. */
static enum listener_mended listen_again(struct listener *listener, const struct config_service *service,
					 struct err *err)
{
	const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	/* Dissolve it first: a socket that was shut down a second time, when it did not listen any more, would pass
	 * that state on to each connection. */
	(void)connect(listener->fd, &nowhere, sizeof(nowhere));
	return listen_start(listener->fd, service->backlog, &listener->backlog, err) == 0 ? LISTENER_MENDED
											  : LISTENER_NOT_MENDED;
}

static enum listener_mended bind_anew(struct listener *listener, const struct config_service *service, struct err *err)
{
	if (listener->inherited) {
		(void)err_set(err, "it was inherited, so only the process that has opened it can open it anew");
		return LISTENER_NOT_MENDED;
	}
	/* A datagram socket keeps its address as long as it is open. */
	if (listener->key.datagram)
		fd_close(&listener->fd);
	listener->lost = listener_bind_again(listener, service, err) < 0;
	if (listener->lost) {
		fd_close(&listener->fd);
		return LISTENER_NOT_MENDED;
	}
	listener->listening = false;
	return listener_start(listener, service, err) == 0 ? LISTENER_ANEW : LISTENER_NOT_MENDED;
}

enum listener_mended listener_mend(struct listener *listener, const struct config_service *service, struct err *err)
{
	switch (listener_look(listener)) {
	case LISTEN_WELL:
		break;
	case LISTEN_CONNECTED:
		if (listen_disconnect(listener->fd) == 0)
			return LISTENER_MENDED;
		(void)err_sys(err, "it cannot be disconnected");
		return LISTENER_NOT_MENDED;
	case LISTEN_NO_DEVICE:
	case LISTEN_NO_PATH:
		return bind_anew(listener, service, err);
	case LISTEN_SHUT:
		if (listener->fd >= 0 && !listener->key.datagram && listener->addr.sa.sa_family != AF_UNIX)
			return listen_again(listener, service, err);
		return bind_anew(listener, service, err);
	}
	return LISTENER_MENDED;
}

/* Not of a unix socket: the kernel would search all of the host at each tick. */
bool listener_mend_backlog(struct listener *listener, const struct config_service *service, int64_t *found_out)
{
	struct listen_queue queue;
	struct err ignored;

	if (!takes_clients(listener) || listener->inherited || listener->key.datagram ||
	    listener->addr.sa.sa_family == AF_UNIX || listen_queue(listener->fd, &queue) < 0 || queue.limit < 0 ||
	    queue.limit == listener->backlog)
		return false;
	*found_out = queue.limit;
	return listen_start(listener->fd, service->backlog, &listener->backlog, &ignored) == 0;
}
