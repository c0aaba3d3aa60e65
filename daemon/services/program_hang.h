/* SPDX-License-Identifier: MIT */
/*
 * Worker. A program of exec that does not finish within timeouts.total: what its processes were doing, for the log. The
 * look comes shortly before the limit, because the limit ends the connection, and wakes all that wait for the client.
 * One connection at a time: the state is file-level.
 */
#ifndef PREFORKD_SERVICES_PROGRAM_HANG_H
#define PREFORKD_SERVICES_PROGRAM_HANG_H

#include <stdint.h>

struct preforkd_conn;

/* A program of CONN has been started. */
void program_hang_begin(const struct preforkd_conn *conn);

/* When program_hang_look() is to be called (base/clock.h); 0: no more. */
int64_t program_hang_due(void);

/* Looks if it is due. */
void program_hang_look(void);

/* The program is ended now; if that is for timeouts.total, logs what was seen. */
void program_hang_tell(struct preforkd_conn *conn);

#endif
