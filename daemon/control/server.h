/* SPDX-License-Identifier: MIT */
/*
 * The control socket: one request and one reply a connection (control/frame.h), answered between two events of
 * the loop. Nothing here waits for a client: what does not come, or is not taken, within CONTROL_MS is dropped, and at
 * CONTROL_CLIENTS_MAX the one that has been silent longest gives way.
 */
#ifndef PREFORKD_CONTROL_SERVER_H
#define PREFORKD_CONTROL_SERVER_H

#include <sys/types.h>

#include "net/listen.h"

#define CONTROL_MS	    5000
#define CONTROL_CLIENTS_MAX 64

struct config;
struct err;
struct master;

/* Opens it as the configuration says. That it cannot be is an error only where somebody wrote the path; else it is
 * logged, and the daemon runs without. */
int control_open(struct master *master, struct err *err);

/* From another image of this program: FD listens at PATH. */
int control_adopt(struct master *master, int fd, const char *path, const struct listen_path *mark, struct err *err);

/* A reload: opens the socket that NEXT wants if it is another one, and puts it into force. */
int control_prepare(struct master *master, const struct config *next, struct err *err);
void control_commit(struct master *master);

/* In a rehearsal: could control_open() do what the configuration says? Leaves all as it was, and MASTER without any. */
int control_try(struct master *master, struct err *err);

/* What will not be handed over must leave no path behind. */
void control_before_exec(struct master *master);

/* The listening descriptor, its path and mark, to be handed over; -1: there is none. */
int control_fd(const struct master *master, const char **path_out, struct listen_path *mark_out);

/* Closes it and all connections, and removes the path. */
void control_close(struct master *master);

#endif
