/* SPDX-License-Identifier: MIT */
/* Master. -d: the daemon goes into the background. The command returns when the daemon is ready, and its exit status
 * says whether it is. */
#ifndef PREFORKD_MASTER_BACKGROUND_H
#define PREFORKD_MASTER_BACKGROUND_H

struct err;

/*
 * Goes on in a new process and session, with /dev/null as standard error. The old process blocks until the new one
 * calls background_ready() or ends, and exits with 0 or with the status of the new process. Only the new process
 * returns, with a close-on-exec copy of the old standard error, to which errors of the start are written. -1 and *err:
 * the daemon could not go into the background.
 */
int background_start(struct err *err);

/* Lets the old process exit with 0, and closes the copy of the old standard error. */
void background_ready(void);

#endif
