/* SPDX-License-Identifier: MIT */
#include "control/server.h"

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
#include "control/conn.h"
#include "master/state.h"
#include "net/addr.h"
#include "net/socket_options.h"

#define BACKLOG	    128
#define FORMER_MS   20000 /* longer than any reload takes from there to its verdict */
#define FAREWELL_MS 2000  /* and from there: whoever asks for the verdict does so more often */
#define PAUSE_MS    1000  /* when no connection can be accepted: no descriptors, no memory */

struct control_socket {
	int fd; /* -1: none */
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct listen_path mark;
};

struct control {
	struct control_socket now, next; /* next: of a reload that is not in force yet */
	struct control_socket former;	 /* where whoever asked for another path waits for the verdict */
	sd_event_source *former_source, *former_timer;
	bool replace; /* by next, which may be none */
	const struct config_control *wanted;
	sd_event_source *source, *pause;
	struct control_conn *conns; /* list, the oldest first */
	unsigned n_conns;
};

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

static int open_socket(const struct config_control *config, struct control_socket *out, struct err *err)
{
	struct socket_options options = options_of(config);
	struct sockaddr_any addr;
	int64_t got;

	*out = (struct control_socket){.fd = -1};
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

static void close_socket(struct control_socket *socket)
{
	struct sockaddr_any addr;

	if (socket->fd < 0)
		return;
	address_of(socket->path, &addr);
	listen_unlink(&addr, &socket->mark);
	fd_close(&socket->fd);
}

static void close_former(struct control *control)
{
	control->former_source = sd_event_source_disable_unref(control->former_source);
	control->former_timer = sd_event_source_disable_unref(control->former_timer);
	close_socket(&control->former);
}

/* ---- clients ---- */

static void forget(struct control_conn *conn, void *userdata)
{
	struct control *control = userdata;

	DL_DELETE(control->conns, conn);
	control->n_conns--;
}

/* The oldest that has not even asked yet. Those that wait for an answer are owed one. */
static void make_way(struct control *control)
{
	struct control_conn *conn;

	DL_FOREACH (control->conns, conn) {
		if (conn->job != 0 || conn->len > 0)
			continue;
		control_conn_free(conn);
		return;
	}
	control_conn_free(control->conns);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct control *control = userdata;

	(void)usec;
	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(control->source, SD_EVENT_ON);
	return 0;
}

/* Level-triggered, it would be called again at once, and again. */
static void pause_accepting(struct master *master)
{
	struct control *control = master->control;

	(void)sd_event_source_set_enabled(control->source, SD_EVENT_OFF);
	control->pause = sd_event_source_disable_unref(control->pause);
	if (sd_event_add_time_relative(master->event, &control->pause, CLOCK_MONOTONIC, PAUSE_MS * 1000ULL, 1000,
				       on_pause_over, control) < 0)
		(void)sd_event_source_set_enabled(control->source, SD_EVENT_ON);
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct master *master = userdata;
	struct control *control = master->control;
	struct control_peer peer;
	struct control_conn *conn;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)revents;
	if (client < 0) {
		if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS)
			return 0;
		if (source == control->source)
			pause_accepting(master);
		else
			close_former(control);
		return 0;
	}
	control_peer_get(client, control->wanted, &peer);
	if (control->n_conns >= CONTROL_CLIENTS_MAX)
		make_way(control);
	conn = control_conn_new(master, client, &peer, forget, control);
	if (conn == NULL)
		return 0;
	DL_APPEND(control->conns, conn);
	control->n_conns++;
	return 0;
}

static void on_job_done(void *userdata)
{
	struct master *master = userdata;
	struct control_conn *conn, *next;

	DL_FOREACH_SAFE (master->control->conns, conn, next)
		control_conn_job_done(conn);
	if (master->control->former_timer != NULL)
		(void)sd_event_source_set_time_relative(master->control->former_timer, FAREWELL_MS * 1000ULL);
}

/* ---- the socket ---- */

static int watch(struct master *master, struct err *err)
{
	struct control *control = master->control;
	int rc;

	control->source = sd_event_source_disable_unref(control->source);
	if (control->now.fd < 0)
		return 0;
	rc = sd_event_add_io(master->event, &control->source, control->now.fd, EPOLLIN, on_client, master);
	if (rc >= 0)
		return 0;
	errno = -rc;
	return err_sys(err, "cannot watch the control socket");
}

static int make(struct master *master, struct err *err)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL)
		return err_set(err, "no memory for the control socket");
	control->now.fd = control->next.fd = control->former.fd = -1;
	control->wanted = &master->generation->config->control;
	master->control = control;
	master->jobs.on_done = on_job_done;
	master->jobs.userdata = master;
	return 0;
}

/* A path that somebody has removed cannot be connected to any more: another socket is needed there. */
static bool is_reachable(const struct control_socket *socket)
{
	struct stat st;

	return lstat(socket->path, &st) == 0 && st.st_dev == socket->mark.dev && st.st_ino == socket->mark.ino;
}

static bool same_path(const struct control_socket *socket, const struct config_control *config)
{
	return config->path != NULL && socket->fd >= 0 && strcmp(socket->path, config->path) == 0 &&
	       is_reachable(socket);
}

static int on_farewell(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	close_former(userdata); /* SOURCE is held by its caller */
	return 0;
}

/* Whoever has ordered the reload, or the upgrade, comes back to its path for the verdict. */
static void keep_former(struct master *master)
{
	struct control *control = master->control;

	close_former(control);
	control->former = control->now;
	control->former_source = control->source;
	control->source = NULL;
	control->now.fd = -1;
	if (control->former.fd >= 0 &&
	    sd_event_add_time_relative(master->event, &control->former_timer, CLOCK_MONOTONIC, FORMER_MS * 1000ULL,
				       1000, on_farewell, control) < 0)
		close_former(control);
}

int control_open(struct master *master, struct err *err)
{
	const struct config_control *config = &master->generation->config->control;

	if (master->control == NULL && make(master, err) < 0)
		return -1;
	if (!same_path(&master->control->now, config)) { /* what was adopted is elsewhere */
		if (watch(master, err) < 0)
			return -1;
		keep_former(master);
	}
	if (master->control->now.fd < 0 && open_socket(config, &master->control->now, err) < 0) {
		close_socket(&master->control->now);
		if (config->asked)
			return -1;
		log_msg(LOG_WARNING, "no control socket, preforkctl cannot reach this daemon: %s", err->text);
	}
	return watch(master, err);
}

int control_adopt(struct master *master, int fd, const char *path, const struct listen_path *mark, struct err *err)
{
	if (make(master, err) < 0)
		return -1;
	master->control->now = (struct control_socket){.fd = fd, .mark = *mark};
	(void)snprintf(master->control->now.path, sizeof(master->control->now.path), "%s", path);
	return 0;
}

int control_try(struct master *master, struct err *err)
{
	struct control *control;
	int rc;

	if (master->control == NULL && make(master, err) < 0)
		return -1;
	control = master->control;
	rc = control_prepare(master, master->generation->config, err);
	close_socket(&control->next);
	fd_close(&control->now.fd); /* and its path stays: it is somebody else's */
	master->jobs.on_done = NULL;
	free(control);
	master->control = NULL;
	return rc;
}

int control_prepare(struct master *master, const struct config *next, struct err *err)
{
	struct control *control = master->control;

	control->replace = false;
	if (same_path(&control->now, &next->control))
		return 0;
	if (same_path(&control->former, &next->control))
		close_former(control);
	if (open_socket(&next->control, &control->next, err) < 0) {
		close_socket(&control->next);
		if (next->control.asked)
			return -1;
		log_msg(LOG_WARNING, "no control socket, preforkctl cannot reach this daemon: %s", err->text);
	}
	control->replace = true;
	return 0;
}

void control_commit(struct master *master)
{
	struct control *control = master->control;
	struct socket_options options;
	struct sockaddr_any addr;
	struct err err;
	int rc = 0;

	control->wanted = &master->generation->config->control;
	options = options_of(control->wanted);
	if (control->replace) {
		keep_former(master);
		control->now = control->next;
		control->next.fd = -1;
		rc = watch(master, &err);
	} else if (control->now.fd >= 0) {
		address_of(control->now.path, &addr);
		rc = listen_path_apply(&addr, &control->now.mark, &options, &err);
	}
	if (rc < 0)
		log_msg(LOG_WARNING, "the control socket: %s", err.text);
}

void control_before_exec(struct master *master)
{
	if (master->control != NULL)
		close_former(master->control);
}

int control_fd(const struct master *master, const char **path_out, struct listen_path *mark_out)
{
	if (master->control == NULL)
		return -1;
	*path_out = master->control->now.path;
	*mark_out = master->control->now.mark;
	return master->control->now.fd;
}

void control_close(struct master *master)
{
	struct control *control = master->control;

	if (control == NULL)
		return;
	while (control->conns != NULL)
		control_conn_free(control->conns);
	(void)sd_event_source_disable_unref(control->source);
	(void)sd_event_source_disable_unref(control->pause);
	close_former(control);
	close_socket(&control->now);
	close_socket(&control->next);
	master->jobs.on_done = NULL;
	free(control);
	master->control = NULL;
}
