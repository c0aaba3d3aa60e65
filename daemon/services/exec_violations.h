/* SPDX-License-Identifier: MIT */
/* Worker. Answers the system calls of its programs that `sandbox.level` forbids, and tells of them. */
#ifndef PREFORKD_SERVICES_EXEC_VIOLATIONS_H
#define PREFORKD_SERVICES_EXEC_VIOLATIONS_H

struct preforkd_conn;

/* The descriptor to wait on; -1: forbidden calls fail by themselves, and untold, or there are none. */
int exec_violations_fd(void);

/* REVENTS is what poll(2) says of that descriptor; 0: does nothing. Otherwise answers one call, counts it, and logs
 * each kind of call now and then. Does not block. */
void exec_violations_take(struct preforkd_conn *conn, short revents);

#endif
