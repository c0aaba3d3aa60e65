/* SPDX-License-Identifier: MIT */
#include "services/exec_env.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/config.h"
#include "config/environment.h"
#include "services/conn.h"

#define ENV_VARS (20 + CONFIG_VARIABLES_MOST)
#define ENV_SIZE 4096 /* enough for the longest user, home, path and addresses together */

/* A worker has one client at a time, so one place is enough. */
static char text[ENV_SIZE];
static char *vars[ENV_VARS + 1];
static size_t used, count;

/* The part that is the same for all clients of a service is made once. */
static struct {
	const struct config_service *service;
	size_t used, count;
} constant;

static void add_text(const char *name, const char *value)
{
	size_t left = sizeof(text) - used;
	int n = snprintf(text + used, left, "%s=%s", name, value);

	if (n < 0 || (size_t)n >= left || count >= ENV_VARS)
		return;
	vars[count++] = text + used;
	used += (size_t)n + 1;
}

static void add_number(const char *name, long long value)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%lld", value);
	add_text(name, number);
}

static void add_tcp(const struct preforkd_conn *conn, const struct sockaddr_any *local)
{
	char host[ADDR_TEXT_MAX];

	add_text("PROTO", "TCP");
	(void)addr_format_host(local, host, sizeof(host));
	add_text("TCPLOCALIP", host);
	add_number("TCPLOCALPORT", addr_port(local));
	(void)addr_format_host(&conn->peer, host, sizeof(host));
	add_text("TCPREMOTEIP", host);
	add_text("REMOTE_ADDR", host);
	add_number("TCPREMOTEPORT", addr_port(&conn->peer));
	add_number("REMOTE_PORT", addr_port(&conn->peer));
}

/* A datagram socket has many senders, so no remote address. */
static void add_udp(const struct sockaddr_any *local)
{
	char host[ADDR_TEXT_MAX];

	add_text("PROTO", "UDP");
	add_text("UDPLOCALIP", addr_format_host(local, host, sizeof(host)));
	add_number("UDPLOCALPORT", addr_port(local));
}

static void add_unix(const struct preforkd_conn *conn, const struct sockaddr_any *local)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	char path[ADDR_TEXT_MAX];

	add_text("PROTO", "UNIX");
	(void)addr_format_host(local, path, sizeof(path));
	add_text("UNIXLOCALPATH", strncmp(path, "unix:", 5) == 0 ? path + 5 : path);
	/* The socket knows the credentials of its other end: behind a proxy that is the proxy and not the client, and a
	 * datagram socket has many senders. */
	if (conn->ordered_to_leave != NULL || conn->via.len != 0 ||
	    getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return;
	add_number("UNIXREMOTEPID", cred.pid);
	add_number("UNIXREMOTEEUID", cred.uid);
	add_number("UNIXREMOTEEGID", cred.gid);
}

static void add_via(const struct sockaddr_any *via)
{
	char host[ADDR_TEXT_MAX];

	add_text("PREFORKD_VIA_ADDR", addr_format_host(via, host, sizeof(host)));
	if (via->sa.sa_family != AF_UNIX)
		add_number("PREFORKD_VIA_PORT", addr_port(via));
}

/* The address that the client connected to: the local one, or the one at the proxy. */
static int get_local(const struct preforkd_conn *conn, struct sockaddr_any *out)
{
	if (conn->local.len != 0) {
		*out = conn->local;
		return 0;
	}
	out->len = sizeof(out->ss);
	return getsockname(conn->fd, &out->sa, &out->len);
}

/* Unless the configuration has another value. */
static void add_default(const struct config_service *service, const char *name, const char *value)
{
	size_t len = strlen(name);

	for (char **own = service->program.environment; *own != NULL; own++) {
		if (strncmp(*own, name, len) == 0 && (*own)[len] == '=')
			return;
	}
	add_text(name, value);
}

static void add_identity(const struct config_service *service)
{
	const struct identity *who = &service->identity;

	add_default(service, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	if (who->user != NULL && who->user[0] != '\0') {
		add_default(service, "USER", who->user);
		add_default(service, "LOGNAME", who->user);
	}
	if (who->home != NULL)
		add_default(service, "HOME", who->home);
	if (who->shell != NULL)
		add_default(service, "SHELL", who->shell);
	add_text("PREFORKD_SERVICE", service->name);
}

/* Begins with what is the same for all clients of SERVICE. */
static void begin(const struct config_service *service)
{
	used = constant.used;
	count = constant.count;
	if (constant.service == service)
		return;
	used = count = 0;
	add_identity(service);
	for (char **own = service->program.environment; *own != NULL && count < ENV_VARS; own++)
		vars[count++] = *own;
	constant.service = service;
	constant.used = used;
	constant.count = count;
}

char **exec_env(const struct preforkd_conn *conn)
{
	struct sockaddr_any local;

	begin(conn->service);
	if (get_local(conn, &local) == 0) {
		if (local.sa.sa_family == AF_UNIX)
			add_unix(conn, &local);
		else if (conn->ordered_to_leave != NULL)
			add_udp(&local);
		else
			add_tcp(conn, &local);
	}
	if (conn->via.len != 0)
		add_via(&conn->via);
	vars[count] = NULL;
	return vars;
}

char **exec_env_listening(const struct config_service *service, const char *notify)
{
	begin(service);
	if (service->program.listener_fd == EXEC_ENV_LISTEN_FD) {
		add_number("LISTEN_FDS", 1);
		add_number("LISTEN_PID", getpid());
		add_text("LISTEN_FDNAMES", service->name);
	}
	add_text("NOTIFY_SOCKET", notify);
	if (service->program.watchdog > 0) {
		add_number("WATCHDOG_USEC", service->program.watchdog * 1000);
		add_number("WATCHDOG_PID", getpid());
	}
	vars[count] = NULL;
	return vars;
}
