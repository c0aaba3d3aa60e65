/* SPDX-License-Identifier: MIT */
#include "listeners/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <utlist.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "config/config.h"
#include "net/addr.h"
#include "net/socket_options.h"

#define BACKLOG	 128
#define PAUSE_MS 1000 /* without accepting, when there are no descriptors or no memory */

struct place {	/* one socket with its path */
	int fd; /* -1: none */
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct listen_path mark;
};

/* A socket that was replaced. Whoever asked for the reload there comes back to its path for the verdict. */
struct former {
	struct control_socket *owner;
	struct place place;
	sd_event_source *source, *timer; /* timer: NULL until the verdict was given */
	struct former *prev, *next;
};

struct control_socket {
	sd_event *event;
	struct place now, next; /* next: of a reload that is not in force yet */
	bool replace;		/* the commit replaces `now` by `next`, which may be none */
	bool told;		/* the log says that its path is gone */
	struct former *formers; /* list */
	sd_event_source *source, *pause;
	void (*on_client)(int fd, void *userdata); /* NULL: nobody serves */
	void *userdata;
};

/* ---- one socket ---- */

static void address_of(const char *path, struct sockaddr_any *out)
{
	*out = (struct sockaddr_any){.len = sizeof(out->un)};
	out->un.sun_family = AF_UNIX;
	(void)snprintf(out->un.sun_path, sizeof(out->un.sun_path), "%s", path);
}

static struct socket_options options_of(const struct config_control *config)
{
	return (struct socket_options){.mode = config->mode, .owner = (uid_t)-1, .group = config->group};
}

static void close_place(struct place *place)
{
	struct sockaddr_any addr;

	if (place->fd < 0)
		return;
	address_of(place->path, &addr);
	(void)listen_path_unlink(&addr, &place->mark);
	fd_close(&place->fd);
}

static int bind_place(const struct config_control *config, struct place *out, struct err *err)
{
	struct socket_options options = options_of(config);
	struct sockaddr_any addr;
	int64_t got;

	*out = (struct place){.fd = -1};
	if (config->path == NULL)
		return 0;
	address_of(config->path, &addr);
	(void)snprintf(out->path, sizeof(out->path), "%s", config->path);
	out->fd = listen_bind(&addr, SOCK_STREAM, false, &options, &out->mark, err);
	if (out->fd < 0)
		return -1;
	(void)fcntl(out->fd, F_SETFL, O_NONBLOCK);
	return listen_start(out->fd, BACKLOG, &got, err);
}

/* -1 and *err: there is none, though CONFIG has a path that somebody wrote. A failure at the default path is logged. */
static int open_place(const struct config_control *config, struct place *out, struct err *err)
{
	if (bind_place(config, out, err) == 0)
		return 0;
	close_place(out);
	if (config->path_written)
		return -1;
	log_msg(LOG_WARNING, "no control socket, preforkctl cannot reach this daemon: %s", err->text);
	return 0;
}

/* A path that somebody has removed cannot be connected to any more: it needs another socket. */
static bool is_reachable(const struct place *place)
{
	struct stat st;

	return lstat(place->path, &st) == 0 && st.st_dev == place->mark.dev && st.st_ino == place->mark.ino;
}

static bool is_at(const struct place *place, const struct config_control *config)
{
	return config->path != NULL && place->fd >= 0 && strcmp(place->path, config->path) == 0 && is_reachable(place);
}

/* ---- clients ---- */

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct control_socket *socket = userdata;

	(void)usec;
	if (sd_event_source_set_enabled(socket->source, SD_EVENT_ON) >= 0)
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	/* no memory for that in the kernel */
	(void)sd_event_source_set_time_relative(source, PAUSE_MS * 1000ULL);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* The socket stays readable, so without a pause its handler would be called without end. */
static void pause_accepting(struct control_socket *socket)
{
	socket->pause = sd_event_source_disable_unref(socket->pause);
	if (sd_event_add_time_relative(socket->event, &socket->pause, CLOCK_MONOTONIC, PAUSE_MS * 1000ULL, 1000,
				       on_pause_over, socket) >= 0)
		(void)sd_event_source_set_enabled(socket->source, SD_EVENT_OFF);
}

/* False: no client can be accepted for now, because descriptors or memory are lacking. */
static bool accept_client(struct control_socket *socket, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS;
	if (socket->on_client != NULL)
		socket->on_client(fd, socket->userdata);
	else
		fd_close(&fd);
	return true;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct control_socket *socket = userdata;

	(void)source;
	(void)revents;
	if (!accept_client(socket, fd))
		pause_accepting(socket);
	return 0;
}

static int watch_now(struct control_socket *socket, struct err *err)
{
	int rc;

	socket->source = sd_event_source_disable_unref(socket->source);
	if (socket->now.fd < 0)
		return 0;
	rc = sd_event_add_io(socket->event, &socket->source, socket->now.fd, EPOLLIN, on_connection, socket);
	if (rc >= 0)
		return 0;
	return err_code(err, -rc, "cannot watch the control socket");
}

/* ---- sockets that were replaced ---- */

static void close_former(struct former *former)
{
	DL_DELETE(former->owner->formers, former);
	(void)sd_event_source_disable_unref(former->source);
	(void)sd_event_source_disable_unref(former->timer);
	close_place(&former->place);
	free(former);
}

static void close_formers(struct control_socket *socket)
{
	while (socket->formers != NULL)
		close_former(socket->formers);
}

static int on_former_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct former *former = userdata;

	(void)source; /* held by its caller */
	(void)revents;
	if (!accept_client(former->owner, fd))
		close_former(former);
	return 0;
}

static int on_farewell(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source; /* held by its caller */
	(void)usec;
	close_former(userdata);
	return 0;
}

/* `now` becomes a former socket, and there is none in its place. */
static void keep_former(struct control_socket *socket)
{
	struct former *former = calloc(1, sizeof(*former));

	socket->source = sd_event_source_disable_unref(socket->source);
	if (former == NULL || socket->now.fd < 0) {
		free(former);
		close_place(&socket->now);
		return;
	}
	former->owner = socket;
	former->place = socket->now;
	socket->now.fd = -1;
	DL_APPEND(socket->formers, former);
	if (sd_event_add_io(socket->event, &former->source, former->place.fd, EPOLLIN, on_former_connection, former) <
	    0)
		close_former(former);
}

void control_socket_verdict_given(struct control_socket *socket)
{
	struct former *former, *next;

	DL_FOREACH_SAFE (socket->formers, former, next) {
		if (former->timer != NULL)
			continue;
		if (sd_event_add_time_relative(socket->event, &former->timer, CLOCK_MONOTONIC,
					       CONTROL_SOCKET_FAREWELL_MS * 1000ULL, 1000, on_farewell, former) < 0)
			close_former(former);
	}
}

/* ---- the whole ---- */

struct control_socket *control_socket_new(sd_event *event, struct err *err)
{
	struct control_socket *socket = calloc(1, sizeof(*socket));

	if (socket == NULL) {
		(void)err_set(err, "no memory for the control socket");
		return NULL;
	}
	socket->event = event;
	socket->now.fd = socket->next.fd = -1;
	return socket;
}

void control_socket_free(struct control_socket **socket)
{
	struct control_socket *s = *socket;

	*socket = NULL;
	if (s == NULL)
		return;
	(void)sd_event_source_disable_unref(s->source);
	(void)sd_event_source_disable_unref(s->pause);
	close_formers(s);
	close_place(&s->now);
	close_place(&s->next);
	free(s);
}

void control_socket_serve(struct control_socket *socket, void (*on_client)(int fd, void *userdata), void *userdata)
{
	socket->on_client = on_client;
	socket->userdata = userdata;
}

void control_socket_adopt(struct control_socket *socket, int fd, const char *path, const struct listen_path *mark)
{
	socket->now = (struct place){.fd = fd, .mark = *mark};
	(void)snprintf(socket->now.path, sizeof(socket->now.path), "%s", path);
}

int control_socket_open(struct control_socket *socket, const struct config_control *config, struct err *err)
{
	if (!is_at(&socket->now, config))
		keep_former(socket);
	if (socket->now.fd < 0 && open_place(config, &socket->now, err) < 0)
		return -1;
	return watch_now(socket, err);
}

int control_socket_prepare(struct control_socket *socket, const struct config_control *next, struct err *err)
{
	struct former *former, *other;

	socket->replace = false;
	close_place(&socket->next);
	if (is_at(&socket->now, next))
		return 0;
	DL_FOREACH_SAFE (socket->formers, former, other)
		if (is_at(&former->place, next)) /* back to its path, which it would keep busy */
			close_former(former);
	if (open_place(next, &socket->next, err) < 0)
		return -1;
	socket->replace = true;
	return 0;
}

int control_socket_commit(struct control_socket *socket, const struct config_control *now, struct err *err)
{
	struct socket_options options = options_of(now);
	struct sockaddr_any addr;
	struct err why;
	int rc = 0;

	if (socket->replace) {
		keep_former(socket);
		socket->now = socket->next;
		socket->next.fd = -1;
		socket->replace = false;
		rc = watch_now(socket, &why);
	} else if (socket->now.fd >= 0) {
		address_of(socket->now.path, &addr);
		rc = listen_path_apply(&addr, &socket->now.mark, &options, &why);
	}
	return rc < 0 ? err_set(err, "the control socket: %s", why.text) : 0;
}

bool control_socket_is_gone(const struct control_socket *socket)
{
	return socket != NULL && socket->now.fd >= 0 && !is_reachable(&socket->now);
}

void control_socket_look(struct control_socket *socket)
{
	bool gone = control_socket_is_gone(socket);

	if (gone && !socket->told)
		log_msg(LOG_WARNING,
			"%s: the path of the control socket was removed, or is another socket's; a reload (SIGHUP) "
			"makes it anew",
			socket->now.path);
	if (socket != NULL)
		socket->told = gone;
}

int control_socket_try(struct control_socket **socket, const struct config_control *config, struct err *err)
{
	int rc;

	if (*socket == NULL)
		*socket = control_socket_new(NULL, err);
	if (*socket == NULL)
		return -1;
	rc = control_socket_prepare(*socket, config, err);
	fd_close(&(*socket)->now.fd); /* without its path */
	control_socket_free(socket);
	return rc;
}

void control_socket_before_exec(struct control_socket *socket)
{
	if (socket != NULL)
		close_formers(socket);
}

int control_socket_fd(const struct control_socket *socket, const char **path_out, struct listen_path *mark_out)
{
	if (socket == NULL)
		return -1;
	*path_out = socket->now.path;
	*mark_out = socket->now.mark;
	return socket->now.fd;
}
