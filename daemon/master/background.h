/* SPDX-License-Identifier: MIT */
/* -d: the command returns when the daemon is ready, and its exit status says whether it is. */
#ifndef PREFORKD_MASTER_BACKGROUND_H
#define PREFORKD_MASTER_BACKGROUND_H

struct err;

/*
 * Goes on in a new process and session, with /dev/null as standard error. The old process waits for
 * background_ready(), or for the new one's end, and exits with 0 or with that process's status. Only the new one
 * returns: with a descriptor of the terminal, close-on-exec, for what goes wrong at the start; -1 and *err on failure.
 */
int background_start(struct err *err);

/* Lets the waiting process go, and closes the terminal. */
void background_ready(void);

#endif
