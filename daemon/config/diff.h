/* SPDX-License-Identifier: MIT */
/*
 * Any process. The differences between two generations, found row by row of the table, so that a new row needs no code
 * here. Values are compared as they are in force, not as they were written.
 */
#ifndef PREFORKD_CONFIG_DIFF_H
#define PREFORKD_CONFIG_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct config;

/* The steps that a service needs to change from one generation to the other; a higher value includes the lower ones.
 */
enum config_change { CHANGE_NONE, CHANGE_LIVE, CHANGE_WORKERS, CHANGE_LISTENER };

/*
 * OLD and NEW are indexes into the services of A and B. Keys of the whole program are compared too, as far as they
 * concern workers. KEYS, of SIZE bytes (0: not wanted), gets the changed keys for people, "workers.max, timeouts.idle";
 * it ends with "..." if there is too little room. Lists of networks are compared by their networks, including those in
 * files. `listen` is compared as a list of texts: the caller finds out which sockets can be kept.
 */
enum config_change config_diff_service(const struct config *a, size_t old, const struct config *b, size_t new,
				       char *keys, size_t size);

/* The index of the service NAME; -1: there is none, or it is disabled. */
ssize_t config_find_service(const struct config *config, const char *name);

bool config_is_disabled(const struct config *config, const char *name);

/* True: the log of the process itself (target, facility, level), or the control socket, differs. */
bool config_diff_log(const struct config *a, const struct config *b);
bool config_diff_control(const struct config *a, const struct config *b);

#endif
