/* SPDX-License-Identifier: MIT */
/* Worker. The knowledge that the steps of the sandbox share about the process that they are taken in. Inside this room
 * only. */
#ifndef PREFORKD_SANDBOX_STATE_H
#define PREFORKD_SANDBOX_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "config/config.h"
#include "config/limit_table.h"

struct board_slot;

/* A resource limit (rlimits.c). */
struct prepared_limit {
	const struct limit_kind *kind;
	struct rlimit limit;
	bool of_worker; /* else: of the program */
};

/* All of this lies together, because each page that a worker writes is memory of each worker. */
struct sandbox {
	const struct config_service *service;
	struct board_slot *slot; /* of this worker, when the sandbox closes; NULL: it has none */
	int landlock;		 /* the kernel's ABI of it; 0: it has none, or nothing asks for it */
	int ruleset;		 /* of Landlock, for this process or its programs; -1: none */
	bool runs_programs;	 /* this process starts programs, or becomes one */
	unsigned namespaces;	 /* of namespaces.c: which it gets */
	bool trial;		 /* only to see whether they can be made: files that the service names do not count */
	bool without_rights;	 /* it needs a user namespace for them */
	uint64_t had;		 /* capabilities before the change of user */
	bool has_root;		 /* the root folder is another one by now */
	dev_t root_device;	 /* of the new root folder */
	bool other_user;	 /* the service has another user than the master */
	ino_t root_inode;
	size_t n_limits;
	struct prepared_limit limits[LIMIT_KINDS];
};

#endif
