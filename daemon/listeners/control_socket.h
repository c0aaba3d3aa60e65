/* SPDX-License-Identifier: MIT */
/*
 * Master. The listening socket of the control protocol: its path, descriptor, mode and group, and how a reload moves it
 * to another path. Clients are accepted here and handed to a callback; what they ask is not this file's business.
 */
#ifndef PREFORKD_LISTENERS_CONTROL_SOCKET_H
#define PREFORKD_LISTENERS_CONTROL_SOCKET_H

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "net/listen.h"

struct config_control;
struct control_socket;
struct err;

/* After the verdict, a socket that was replaced stays for this long: whoever asked for the reload there, and polls for
 * its verdict, does so more often. */
#define CONTROL_SOCKET_FAREWELL_MS 3000

/* Has no socket yet. EVENT is not owned; NULL: nothing is accepted (a rehearsal). NULL and *err: no memory. */
struct control_socket *control_socket_new(sd_event *event, struct err *err);

/* Closes everything and removes the path. *socket becomes NULL; NULL is allowed. */
void control_socket_free(struct control_socket **socket);

/* From here on each client is handed to ON_CLIENT, which takes over FD: non-blocking, close-on-exec. */
void control_socket_serve(struct control_socket *socket, void (*on_client)(int fd, void *userdata), void *userdata);

/* Takes over the socket of another image of this program: FD listens at PATH, and MARK is that of the path. */
void control_socket_adopt(struct control_socket *socket, int fd, const char *path, const struct listen_path *mark);

/*
 * The start: opens the socket that CONFIG asks for. One that was adopted is kept if it is at the same path, and else
 * stays until the next verdict. -1 and *err: it could not be opened, and the path is set in the configuration; the
 * default path is not worth an error, only a warning in the log.
 */
int control_socket_open(struct control_socket *socket, const struct config_control *config, struct err *err);

/* Its path was removed, or is another socket's: nobody can connect. A reload binds it anew. SOCKET may be NULL. */
bool control_socket_is_gone(const struct control_socket *socket);

/* To be called at each tick: warns once if it is gone. */
void control_socket_look(struct control_socket *socket);

/*
 * A reload: prepare opens the socket that NEXT asks for, if it is another one, and commit puts it into force. -1 and
 * *err as above; then nothing has changed. Prepare without commit has no effect but for a socket at the path of NEXT,
 * which the next prepare or the end closes. Commit: -1 and *err says what could not be done: owner and mode of a socket
 * that stays.
 */
int control_socket_prepare(struct control_socket *socket, const struct config_control *next, struct err *err);
int control_socket_commit(struct control_socket *socket, const struct config_control *now, struct err *err);

/*
 * All verdicts so far have been given. A socket that was replaced is closed CONTROL_SOCKET_FAREWELL_MS later, and never
 * before this call: the verdict of the reload that replaced it may take minutes.
 */
void control_socket_verdict_given(struct control_socket *socket);

/* A rehearsal: could control_socket_open() succeed? -1 and *err: no. *socket may be NULL, and is freed; the path of an
 * adopted one, which belongs to the running daemon, stays. */
int control_socket_try(struct control_socket **socket, const struct config_control *config, struct err *err);

/* Closes sockets that were replaced: the next image would not know of their paths. */
void control_socket_before_exec(struct control_socket *socket);

/* The listening descriptor, its path and its mark, to be handed over; -1: there is none. SOCKET may be NULL. */
int control_socket_fd(const struct control_socket *socket, const char **path_out, struct listen_path *mark_out);

#endif
