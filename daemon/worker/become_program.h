/* SPDX-License-Identifier: MIT */
/* A worker that becomes its service's program, which accepts by itself. Nothing of ours runs in it afterwards. */
#ifndef PREFORKD_WORKER_BECOME_PROGRAM_H
#define PREFORKD_WORKER_BECOME_PROGRAM_H

struct worker_params;

/*
 * The program gets /dev/null on 0, params->output on 1 and 2, the listener on 3, and no other descriptor; default
 * signals, an empty mask, a process group of its own; it is killed when the master dies. What goes wrong before it runs
 * is written to its standard error, and ends the process with WORKER_EXIT_SETUP.
 */
_Noreturn void become_program(const struct worker_params *params);

#endif
