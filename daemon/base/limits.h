/* SPDX-License-Identifier: MIT */
/* What the system lets this process have, in numbers, and which setting each of them is. Reads only. */
#ifndef PREFORKD_BASE_LIMITS_H
#define PREFORKD_BASE_LIMITS_H

#include <stdint.h>

struct limits {		     /* -1: no limit, or it is not known */
	int64_t somaxconn;   /* connections in a listener's queue */
	int64_t files;	     /* RLIMIT_NOFILE, the soft one: that is what counts */
	int64_t processes;   /* RLIMIT_NPROC, the soft one: of all processes of one user */
	int64_t tasks;	     /* processes here: the smallest of a control group's and the kernel's limits */
	int64_t stop_ms;     /* what the service manager gives us to end */
	char tasks_set[320]; /* what has set TASKS, for people: "TasksMax= of x.service" */
	char unit[256];	     /* the service manager's name of us; "": not known, or there is none */
};

/* Nothing is known. */
void limits_init(struct limits *limits);

/* Of this process and this kernel. ROOT is in front of all paths: "", except in tests. */
void limits_read(const char *root, struct limits *limits);

/* Of the control groups that this process is in: limits->tasks, if one of them allows fewer. */
void limits_read_groups(const char *root, struct limits *limits);

/* Another limit of tasks, set by SETTING; the smaller one stays. */
void limits_narrow(struct limits *limits, int64_t tasks, const char *setting);

#endif
