/* SPDX-License-Identifier: MIT */
/*
 * What differs between two generations, row by row of the table: a new row is compared without
 * anything here knowing it. Values count as they are in force, not as they are written.
 */
#ifndef PREFORKD_CONFIG_DIFF_H
#define PREFORKD_CONFIG_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct config;

/* What a service needs to become what it is in the other generation; the greater includes the
 * lesser. */
enum config_change { CHANGE_NONE, CHANGE_LIVE, CHANGE_WORKERS, CHANGE_LISTENER };

/*
 * OLD and NEW are indexes into the services of A and B. What is said for the whole program counts
 * for each service as far as its workers have it. KEYS, of SIZE bytes (0: not wanted), gets the
 * changed keys for people, "workers.max, timeouts.idle"; cut with "..." where there is too little
 * room. Lists of networks are compared as what they and their files stand for. `listen` is compared as a list of texts:
 * which sockets can be kept is not decided here.
 */
enum config_change config_diff_service(const struct config *a, size_t old, const struct config *b, size_t new,
				       char *keys, size_t size);

/* The index of the service NAME; -1: there is none. */
ssize_t config_find_service(const struct config *config, const char *name);

/* Whether the log of the process itself (target, facility, level), or the control socket, is
 * another. */
bool config_diff_log(const struct config *a, const struct config *b);
bool config_diff_control(const struct config *a, const struct config *b);

#endif
