/* SPDX-License-Identifier: MIT */
/* Worker. The things that a process and its programs inherit besides rights: umask, priority, working directory. A key
 * that was not written changes nothing. */
#ifndef PREFORKD_SANDBOX_SURROUNDINGS_H
#define PREFORKD_SANDBOX_SURROUNDINGS_H

struct err;
struct sandbox;

int umask_set(struct sandbox *sandbox, struct err *err);

/* With the master's rights: a lower number needs CAP_SYS_NICE or RLIMIT_NICE. */
int nice_set(struct sandbox *sandbox, struct err *err);
int nice_verify(const struct sandbox *sandbox, struct err *err);

/* As the user of the service, so that the process is never in a folder that its user cannot enter. */
int directory_enter(struct sandbox *sandbox, struct err *err);

#endif
