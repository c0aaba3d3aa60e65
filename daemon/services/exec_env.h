/* SPDX-License-Identifier: MIT */
/*
 * Worker. The environment of a program. It has both families of names: those of UCSPI (cr.yp.to/proto/ucspi.txt,
 * tcp-environ(5), and ucspi-unix for unix sockets) and those of systemd (systemd.socket(5), Accept=yes); the user that
 * it runs as; what is configured; and otherwise nothing of the daemon's own environment.
 */
#ifndef PREFORKD_SERVICES_EXEC_ENV_H
#define PREFORKD_SERVICES_EXEC_ENV_H

#define EXEC_ENV_LISTEN_FD 3 /* sd_listen_fds(3) looks for no other */

struct config_service;
struct preforkd_conn;

/* The environment of the program for CONN, NULL-terminated; valid until the next call of either function. */
char **exec_env(const struct preforkd_conn *conn);

/* The environment of a program that accepts by itself, as sd_listen_fds(3) and sd_notify(3) want it; without LISTEN_*
 * if the listener is on another descriptor. It has the pid of this process, which becomes the program. NOTIFY: the
 * address for NOTIFY_SOCKET. */
char **exec_env_listening(const struct config_service *service, const char *notify);

#endif
