/* SPDX-License-Identifier: MIT */
/*
 * Master. Tries optional services that wait (waiting.h) again. First a child looks for obstacles, because a name server
 * may keep it waiting; then the service is opened as at the start of the daemon.
 */
#ifndef PREFORKD_FLEET_REOPEN_H
#define PREFORKD_FLEET_REOPEN_H

#include <stdbool.h>
#include <sys/types.h>

struct config_service;
struct fleet;
struct member;

/* Does what is due. To be called once a second, but not while an operation may replace pools. */
void reopen_step(struct fleet *fleet);

/* Opens SERVICE of the generation that is in force, MEMBER's, which does not serve yet. If it cannot be had, it waits,
 * and the caller logs that. */
void reopen_begin(struct fleet *fleet, const struct config_service *service, struct member *member);

/* The next step tries MEMBER's service, which waits, at once. */
void reopen_soon(struct member *member);

/* The child PID has ended, with STATUS of waitpid(2). True: it was one of these. */
bool reopen_reaped(struct fleet *fleet, pid_t pid, int status);

#endif
