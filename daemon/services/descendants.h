/* SPDX-License-Identifier: MIT */
/*
 * Worker. Ends the processes that a client's program leaves behind. Those in its process group are killed with the
 * group. Those that left the group are given to the worker by the kernel when their parent dies
 * (PR_SET_CHILD_SUBREAPER). The worker has no children but the one program, so each child belongs to the current client
 * and ends with its connection. The master does the same for a worker that died (fleet/orphans.h).
 *
 * With sandbox.private_pids the kernel gives them to the first process of the namespace instead, and the functions
 * below speak of that one's children and of the program.
 */
#ifndef PREFORKD_SERVICES_DESCENDANTS_H
#define PREFORKD_SERVICES_DESCENDANTS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Once, when the worker starts. On a kernel that does not list the children of a process they go to the master instead.
 */
void descendants_init(void);

/*
 * For the loop that waits for PROGRAM (0: it has ended, and its descendants run): reaps the descendants that have died
 * meanwhile, and leaves PROGRAM itself to its waiter. SIGCHLD must be unblocked only inside the wait of that loop.
 */
void descendants_reap(pid_t program);

/* The list of the children, decimal, separated by blanks: the program, which a private pid namespace leaves out, and
 * what it has left. The caller closes it. NULL: they cannot be listed. */
FILE *descendants_open(void);

/* Does this process have another child than PROGRAM, a zombie included? False on a kernel that does not list them. */
bool descendants_has_others(pid_t program);

/* Is a child of this process in the process group GROUP? Then the number of the group is not anybody else's. */
bool descendants_have_group(pid_t group);

/* Is a child of this process still running? Costs one system call; zombies do not count. */
bool descendants_are_running(void);

/* The program has been reaped: kills and reaps all that is left of it. Blocks for at most DESCENDANTS_END_MS. False:
 * something could not be ended within that time. *KILLED_OUT: how many processes were killed; may be NULL. */
#define DESCENDANTS_END_MS 1000
bool descendants_end(unsigned *killed_out);

#endif
