/* SPDX-License-Identifier: MIT */
/* Worker. Starts the program of a connection in the place that the service has for it. */
#ifndef PREFORKD_SERVICES_EXEC_START_H
#define PREFORKD_SERVICES_EXEC_START_H

#include <signal.h>
#include <sys/types.h>

struct preforkd_conn;

/*
 * Starts the program, if need be after some tries: for at most 10 s while the system lacks processes, descriptors or
 * memory. The caller must have all signals blocked; they are let in with the mask OPEN between two tries. Returns the
 * pid, and in *PIDFD_OUT a pidfd, the caller's; or -1 with a reason (preforkd_fail()).
 */
pid_t exec_start(struct preforkd_conn *conn, int *pidfd_out, const sigset_t *open);

#endif
