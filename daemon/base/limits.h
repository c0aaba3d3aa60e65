/* SPDX-License-Identifier: MIT */
/* Any process. The limits of the host for this process, and which setting each of them comes from. Reads only. */
#ifndef PREFORKD_BASE_LIMITS_H
#define PREFORKD_BASE_LIMITS_H

#include <stdint.h>

struct limits {		     /* -1: no limit, or not known */
	int64_t somaxconn;   /* connections in a listener's queue */
	int64_t files;	     /* RLIMIT_NOFILE, the soft limit, which the kernel enforces */
	int64_t processes;   /* RLIMIT_NPROC, the soft limit, for all processes of one user */
	int64_t tasks;	     /* processes: the smallest limit of the control groups and the kernel */
	int64_t stop_ms;     /* the time that the service manager lets us take for a stop */
	char tasks_set[320]; /* the setting behind `tasks`, for people: "TasksMax= of x.service" */
	char unit[256];	     /* our name at the service manager; "": none, or not known */
};

/* Sets all limits to "not known". */
void limits_init(struct limits *limits);

/* Reads the limits of this process and this kernel. ROOT is put in front of all paths: "" except in tests. */
void limits_read(const char *root, struct limits *limits);

/* Narrows limits->tasks to the limits of the control groups that this process is in. */
void limits_read_groups(const char *root, struct limits *limits);

/* Sets limits->tasks to TASKS, which SETTING has set, if that is less. */
void limits_narrow(struct limits *limits, int64_t tasks, const char *setting);

#endif
