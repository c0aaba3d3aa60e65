/* SPDX-License-Identifier: MIT */
/*
 * The handler "module": a service that is in a file of its own. How such a file comes in: its place is looked at
 * (module_safe.c), what is in it is copied and mapped (module_load.c), all of it in a child first (module_try.c),
 * and what it left open is found (module_traces.c). What a module asks for while it runs: module_self.c.
 */
#ifndef PREFORKD_LOADER_LOADER_H
#define PREFORKD_LOADER_LOADER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/loader.h"

struct board_slot;
struct config_service;
struct err;

extern const struct module_loader module_loader;

/* Opens PATH, close-on-exec, if nobody but root and our own user can change it, its folders, or what they
 * are reached through. *SIZE_OUT is that of the file. -1 and *err. */
int module_safe_open(const char *path, off_t *size_out, struct err *err);

/* Maps the file behind FD, named PATH, and looks at its table. */
int module_map(struct loaded_module *module, struct err *err);
void module_unmap(struct loaded_module *module);

/* What is wrong with its table; 0: nothing. The members that it has are copied to module->table. */
int module_table_take(struct loaded_module *module, const struct preforkd_module *own, struct err *err);

/*
 * STEPS(arg) in a child, for a bounded time. It says what it begins with module_try_step(), for the message about a
 * crash: "while it was loaded". -1 and *err: it failed, crashed, ended the process, or did not return.
 */
int module_try(int (*steps)(void *arg, struct err *err), void *arg, struct err *err);
void module_try_step(const char *what);

/* What a process has open and running, and how it is set up, to be compared with what it has afterwards. */
struct traces {
	struct {
		int fd;
		dev_t dev;
		ino_t ino;
	} * fds; /* sorted by fd; malloc()ed */
	size_t n_fds;
	size_t threads;
	bool children;
	uid_t users[3]; /* real, effective, saved */
	gid_t groups[3];
	mode_t umask;
	dev_t folder_dev; /* the working directory */
	ino_t folder_ino;
	sigset_t mask;
	bool reaps; /* learns of the end of its children */
	char locale[128];
};

void traces_take(struct traces *traces);
void traces_clear(struct traces *traces);

/* -1 and *err: WHO ("init()") left something behind that is not in KEPT, or took away what is not its own.
 * KEPT is NULL where nothing can be kept. */
int traces_compare(const struct traces *before, const int *kept, size_t n_kept, const char *who, struct err *err);

/* Which service this process is: before init(), and in a worker, which has a SLOT to count in (else NULL). */
void module_self(const struct config_service *service, struct loaded_module *module, struct board_slot *slot);

/* Why init() or worker_start() refuses: what preforkd_fail(NULL, ...) said; "" if nothing. */
const char *module_self_name(void); /* "" outside of a service */
const char *module_self_reason(void);
void module_self_fail(const char *text);

/* In a worker, between connections: starts the timer; calls the module's function if it is time. */
void module_timer_start(void);
void module_timer(void);

#endif
