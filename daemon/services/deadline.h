/* SPDX-License-Identifier: MIT */
/*
 * Time limits of the connection that this worker serves, without a system call for each: the due
 * time is a variable; one timer (SIGALRM) is armed when it is not yet, fires, looks at the
 * variable, and arms itself again for the rest. When time is up it shuts the socket down, which ends a
 * blocked call and every later one alike, so there is no window in which the signal could be lost.
 *
 * One process, one connection: file-level state, owned by deadline.c.
 */
#ifndef PREFORKD_SERVICES_DEADLINE_H
#define PREFORKD_SERVICES_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

enum deadline_kind { DEADLINE_NONE, DEADLINE_FIRST_BYTE, DEADLINE_IDLE, DEADLINE_TOTAL, DEADLINE_OWN };

/* Installs the handler. Once, when the worker starts. */
void deadline_init(void);

/* From here on FD is cut when time is up; TOTAL_DUE (ms of base/clock.h, 0: never) holds throughout. */
void deadline_begin(int fd, int64_t total_due);

/* For a service that reads and writes itself. Until the next call: KIND at DUE (0: never). IDLE_MS is what
 * DEADLINE_IDLE allows: before it cuts, the kernel is asked whether bytes really stood still. */
void deadline_set(enum deadline_kind kind, int64_t due, int64_t idle_ms);

/*
 * For a program whose bytes we never see: the kernel's counts decide (tcp_info.h). The client's first byte by
 * FIRST_DUE (0: whenever), and from the first byte either way no silence longer than IDLE_MS (0: any).
 */
void deadline_watch(int64_t first_due, int64_t idle_ms);

/* A limit of the service's own, besides the others: it cuts at DUE (0: never), until the next call or the end. */
void deadline_own(int64_t due);

/* No limit any more; FD may be closed. */
void deadline_end(void);

/* What cut the connection; DEADLINE_NONE: nothing did. */
enum deadline_kind deadline_passed(void);

/*
 * The worker must leave now: cuts the connection. For a signal handler. ORPHAN: the master is gone, so nobody will
 * end this process if its service does not return; it then ends itself after DEADLINE_ORPHAN_MS.
 */
#define DEADLINE_ORPHAN_MS 500
void deadline_cut(bool orphan);
bool deadline_was_cut(void);
bool deadline_is_orphan(void);

#endif
