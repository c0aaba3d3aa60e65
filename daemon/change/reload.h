/* SPDX-License-Identifier: MIT */
/*
 * A reload is a transaction: the configuration is read by a child, checked, compared; what is new is bound; one worker
 * of each new pool proves its set-up; and only then anything changes for clients. Any failure before that leaves
 * all as it was. The verdict comes when no worker of a replaced pool can take a client any more.
 *
 *	loading -> proving -> swapping -> retiring -> verdict
 */
#ifndef PREFORKD_CHANGE_RELOAD_H
#define PREFORKD_CHANGE_RELOAD_H

#include <stdbool.h>
#include <sys/types.h>

struct config_workers;
struct err;
struct master;
struct pool;

/* Asks for one; returns the number of its job. One that is asked for during another comes after it, once. */
unsigned reload_request(struct master *master);

/* Gives POOL other limits until the next reload, through a new pool where the board has no room for them.
 * Returns the number of its job; 0 and *err: not now. */
unsigned reload_resize(struct master *master, struct pool *pool, const struct config_workers *limits, struct err *err);

/* Whatever can be done at the moment; called when a worker has gone, and at each tick. */
void reload_step(struct master *master);

/* The start is over: one that was asked for before begins now. */
void reload_started(struct master *master);

/* A child of the master has ended: was it the one that reads the configuration? */
bool reload_reaped(struct master *master, pid_t pid, int status);

/* The pid of that child, 0: none. */
pid_t reload_child(const struct master *master);

/* The daemon stops: gives up what was not put into force. */
void reload_abandon(struct master *master, const char *why);

#endif
