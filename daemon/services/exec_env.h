/* SPDX-License-Identifier: MIT */
/*
 * What a program finds in its environment: both families of names, UCSPI's (cr.yp.to/proto/ucspi.txt; tcp-environ(5),
 * and ucspi-unix's for unix sockets) and systemd's (systemd.socket(5), Accept=yes); who it runs as; nothing of ours.
 */
#ifndef PREFORKD_SERVICES_EXEC_ENV_H
#define PREFORKD_SERVICES_EXEC_ENV_H

struct config_service;
struct preforkd_conn;

/* The environment for CONN's client, valid until the next call. */
char **exec_env(const struct preforkd_conn *conn);

/* The environment for a program that accepts by itself, as sd_listen_fds(3) and sd_notify(3) want it: for this very
 * process, which becomes it. NOTIFY: the address of its NOTIFY_SOCKET. */
char **exec_env_listening(const struct config_service *service, const char *notify);

#endif
