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

/* Ends the oldest connection that has not sent a request yet, because the others are owed an answer; or else the oldest
 * of all. */
static void make_way(struct server *server)
{
	struct control_conn *conn;

	DL_FOREACH (server->conns, conn) {
		if (conn->job != 0 || conn->len > 0)
			continue;
		control_conn_free(conn);
		return;
	}
	control_conn_free(server->conns);
}

static void on_client(int fd, void *userdata)
{
	struct operations *ops = userdata;
	struct server *server = ops->server;
	struct control_peer peer;
	struct control_conn *conn;

	control_peer_get(fd, &ops->fleet->generation->config->control, &peer);
	if (server->n_conns >= SERVER_CLIENTS_MAX)
		make_way(server);
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
