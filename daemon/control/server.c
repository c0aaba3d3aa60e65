/* SPDX-License-Identifier: MIT */
#include "control/server.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/err.h"
#include "base/fds.h"
#include "config/config.h"
#include "control/conn.h"
#include "listeners/control_socket.h"
#include "master/state.h"

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
	struct master *master = userdata;
	struct server *server = master->server;
	struct control_peer peer;
	struct control_conn *conn;

	control_peer_get(fd, &master->generation->config->control, &peer);
	if (server->n_conns >= SERVER_CLIENTS_MAX)
		make_way(server);
	conn = control_conn_new(master, fd, &peer, forget_conn, server);
	if (conn == NULL)
		return;
	DL_APPEND(server->conns, conn);
	server->n_conns++;
}

static void on_job_done(void *userdata)
{
	struct master *master = userdata;
	struct control_conn *conn, *next;

	DL_FOREACH_SAFE (master->server->conns, conn, next)
		control_conn_job_done(conn);
	if (!jobs_any_pending(&master->jobs))
		control_socket_verdict_given(master->control_socket);
}

int server_open(struct master *master, struct err *err)
{
	if (master->control_socket == NULL)
		master->control_socket = control_socket_new(master->event, err);
	if (master->control_socket == NULL)
		return -1;
	master->server = calloc(1, sizeof(*master->server));
	if (master->server == NULL)
		return err_set(err, "no memory for the control socket");
	master->jobs.on_done = on_job_done;
	master->jobs.userdata = master;
	control_socket_serve(master->control_socket, on_client, master);
	return control_socket_open(master->control_socket, &master->generation->config->control, err);
}

void server_close(struct master *master)
{
	while (master->server != NULL && master->server->conns != NULL)
		control_conn_free(master->server->conns);
	control_socket_free(&master->control_socket);
	master->jobs.on_done = NULL;
	free(master->server);
	master->server = NULL;
}
