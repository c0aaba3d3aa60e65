/* SPDX-License-Identifier: MIT */
/*
 * Whatever a client's program leaves behind: its process group, and what has left the group and lost its parent. The
 * kernel gives those to the worker (PR_SET_CHILD_SUBREAPER), which has no other children than the one program; so every
 * child is of this client and ends with its connection. The master does the same for a worker that died
 * (fleet/orphans.h).
 */
#ifndef PREFORKD_SERVICES_DESCENDANTS_H
#define PREFORKD_SERVICES_DESCENDANTS_H

#include <stdbool.h>
#include <sys/types.h>

/* Once, when the worker starts. Where the kernel does not list a process's children, they go to the master. */
void descendants_init(void);

/*
 * For the wait beside the running PROGRAM (0: it has ended, others run), whose end is not taken notice of here: buries
 * what has come to us and died meanwhile. SIGCHLD, which says so, must be let in only inside that wait.
 */
void descendants_bury(pid_t program);

/* Is anybody else than PROGRAM, dead or alive, a child of ours? Where the kernel does not list them: no. */
bool descendants_has_others(pid_t program);

/* The program is dead and buried: nothing of it lives on. False: something could not be ended within
 * DESCENDANTS_END_MS. */
#define DESCENDANTS_END_MS 1000
bool descendants_end(void);

#endif
