/* SPDX-License-Identifier: MIT */
/*
 * A program's standard error, line by line into the log with service and peer. One pipe a worker, for life:
 * the worker keeps both ends, so there is no end of file to wait for.
 */
#ifndef PREFORKD_SERVICES_EXEC_ERRORS_H
#define PREFORKD_SERVICES_EXEC_ERRORS_H

struct preforkd_conn;
struct err;

#define EXEC_ERRORS_LINE 1024 /* bytes of a line; the rest of a longer one is dropped */

int exec_errors_open(struct err *err);
int exec_errors_read_fd(void);
int exec_errors_write_fd(void);

/* Logs what is there; does not block. */
void exec_errors_take(struct preforkd_conn *conn);

/* The program has ended: takes the rest, and a last line without its newline. */
void exec_errors_finish(struct preforkd_conn *conn);

#endif
