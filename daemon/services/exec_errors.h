/* SPDX-License-Identifier: MIT */
/*
 * Worker. Writes a program's standard error line by line into the log, with service and peer. Each client has a pipe of
 * its own, so a program that changes the pipe (O_NONBLOCK), or writes to it too late, disturbs no other client.
 */
#ifndef PREFORKD_SERVICES_EXEC_ERRORS_H
#define PREFORKD_SERVICES_EXEC_ERRORS_H

#include <stdbool.h>
#include <stdint.h>

struct preforkd_conn;
struct err;

/* Returns the end for the program, close-on-exec, and the same one until exec_errors_finish(); -1 on failure.
 * PER_SECOND lines are logged, 0: no limit. */
int exec_errors_open(int64_t per_second, struct err *err);

/* The end to wait on. */
int exec_errors_fd(void);

/* Logs what is there; call when the descriptor is readable. False: it cannot be read. */
bool exec_errors_take(struct preforkd_conn *conn);

/* All programs have ended: takes the rest, and a last line without its newline; closes both ends. */
void exec_errors_finish(struct preforkd_conn *conn);

#endif
