/* SPDX-License-Identifier: MIT */
/* Worker. Turns this process into the program of its service, which accepts by itself. */
#ifndef PREFORKD_WORKER_BECOME_PROGRAM_H
#define PREFORKD_WORKER_BECOME_PROGRAM_H

struct worker_params;

/*
 * The program gets /dev/null as descriptor 0, params->output as 1 and 2, the listener as 3, and no other descriptor. It
 * has default signals, an empty signal mask, and a session of its own; the kernel kills it when the master dies.
 * On failure the process writes the reason to its standard error (params->output), and exits with WORKER_EXIT_SETUP.
 */
_Noreturn void become_program(const struct worker_params *params);

#endif
