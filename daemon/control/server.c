/* SPDX-License-Identifier: MIT */
#include "control/server.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/err.h"
#include "base/fds.h"
#include "change/operation.h"
#include "config/config.h"
#include "control/conn.h"
#include "listeners/control_socket.h"

struct server {
	struct control_conn *conns; /* list, the oldest first */
	unsigned n_conns;
};

static void forget_conn(struct control_conn *conn, void *userdata)
{
	struct server *server = userdata;

	DL_DELETE(server->conns, conn);
	server->n_conns--;
}

/* Finds the client to be ended, among those that may change something, or among those that may not: the oldest that has
 * not sent a request yet, because the others are owed an answer; or else the oldest of all. NULL: there is none. */
static struct control_conn *find_victim(const struct server *server, bool may_change)
{
	struct control_conn *conn, *oldest = NULL;

	DL_FOREACH (server->conns, conn) {
		if (conn->peer.may_change != may_change)
			continue;
		if (conn->job == 0 && conn->len == 0)
			return conn;
		if (oldest == NULL)
			oldest = conn;
	}
	return oldest;
}

static unsigned count_readers(const struct server *server)
{
	const struct control_conn *conn;
	unsigned n = 0;

	DL_FOREACH (server->conns, conn)
		n += !conn->peer.may_change;
	return n;
}

/* Makes room for a client, at the cost of one that may not change anything where there is one. False: there is none,
 * and the new client may not change anything either. */
static bool make_way(const struct server *server, bool may_change)
{
	struct control_conn *victim;

	if (server->n_conns < SERVER_CLIENTS_MAX && (may_change || count_readers(server) < SERVER_READERS_MAX))
		return true;
	victim = find_victim(server, false);
	if (victim == NULL && may_change)
		victim = find_victim(server, true);
	if (victim == NULL)
		return false;
	control_conn_free(victim);
	return true;
}

static void on_client(int fd, void *userdata)
{
	struct operations *ops = userdata;
	struct server *server = ops->server;
	struct control_peer peer;
	struct control_conn *conn;

	control_peer_get(fd, &ops->fleet->generation->config->control, &peer);
	if (!make_way(server, peer.may_change)) {
		fd_close(&fd);
		return;
	}
	conn = control_conn_new(ops, fd, &peer, forget_conn, server);
	if (conn == NULL)
		return;
	DL_APPEND(server->conns, conn);
	server->n_conns++;
}

void server_answer(struct operations *ops)
{
	struct control_conn *conn, *next;

	if (ops->server == NULL)
		return;
	DL_FOREACH_SAFE (ops->server->conns, conn, next)
		control_conn_job_done(conn);
	if (!jobs_any_pending(&ops->jobs))
		control_socket_verdict_given(ops->control);
}

int server_open(struct operations *ops, struct err *err)
{
	if (ops->control == NULL)
		ops->control = control_socket_new(ops->fleet->event, err);
	if (ops->control == NULL)
		return -1;
	ops->server = calloc(1, sizeof(*ops->server));
	if (ops->server == NULL)
		return err_set(err, "no memory for the control socket");
	control_socket_serve(ops->control, on_client, ops);
	return control_socket_open(ops->control, &ops->fleet->generation->config->control, err);
}

void server_close(struct operations *ops)
{
	while (ops->server != NULL && ops->server->conns != NULL)
		control_conn_free(ops->server->conns);
	control_socket_free(&ops->control);
	free(ops->server);
	ops->server = NULL;
}
