/* SPDX-License-Identifier: MIT */
/*
 * Master. A record of what a process has open and running, and of its settings. Two records, before and after a
 * module's code ran, show what that code left behind.
 */
#ifndef PREFORKD_LOADER_MODULE_TRACES_H
#define PREFORKD_LOADER_MODULE_TRACES_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

struct module_traces {
	struct {
		int fd;
		dev_t dev;
		ino_t ino;
	} * fds; /* all open descriptors; malloc()ed */
	size_t n_fds;
	size_t threads;
	bool children;	 /* there is a child, alive or a zombie */
	uid_t users[3];	 /* real, effective, saved */
	gid_t groups[3]; /* real, effective, saved */
	mode_t umask;
	dev_t folder_dev; /* the working directory */
	ino_t folder_ino;
	sigset_t mask; /* blocked signals */
	bool reaps;    /* SIGCHLD is neither ignored nor SA_NOCLDWAIT: exit statuses can be waited for */
	char locale[128];
};

/* Records the state of this process in *traces; free it with module_traces_clear() in any case. -1 and *err: no memory,
 * or no descriptor. */
int module_traces_take(struct module_traces *traces, struct err *err);
void module_traces_clear(struct module_traces *traces);

/*
 * Compares the process now with BEFORE. -1 and *err: WHO (for the message: "init()") left something behind that is not
 * among the descriptors in KEPT, closed a descriptor of another owner, or changed a setting of the process. KEPT is
 * NULL where nothing can be kept.
 */
int module_traces_compare(const struct module_traces *before, const int *kept, size_t n_kept, const char *who,
			  struct err *err);

#endif
