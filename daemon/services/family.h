/* SPDX-License-Identifier: MIT */
/* Worker and master. Finds out what the processes of a program are doing, for the log, before the program is killed
 * because it does not end: the administrator sees in what it hangs. */
#ifndef PREFORKD_SERVICES_FAMILY_H
#define PREFORKD_SERVICES_FAMILY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct log_about;

#define FAMILY_MOST	16 /* processes that are described */
#define FAMILY_LINE_MAX 320

/* The processes of a family, each described in a line that is not escaped yet. */
struct family {
	unsigned n;
	bool more; /* there are more than FAMILY_MOST */
	char lines[FAMILY_MOST][FAMILY_LINE_MAX];
};

/* For lines that appear once a minute at most; {0} at first. */
struct family_limit {
	int64_t next_ms;
	unsigned untold; /* families that were not told since */
};

/*
 * Looks at the family of PID: PID itself, unless it is this process, and its descendants, the nearest first. A line has
 * pid, name, state, the place in the kernel where the process waits, and the system call that it is in. Reads some
 * files of /proc, and does not wait for anybody.
 */
void family_look(struct family *out, pid_t pid);

/* At the time AT_MS (base/clock.h) LIMIT allows no lines yet. */
bool family_rests(const struct family_limit *limit, int64_t at_ms);

/* Logs the lines of FAMILY, if LIMIT allows it; WHY, such as "timeouts.total", begins each of them. */
void family_tell(const struct log_about *about, const char *why, const struct family *family,
		 struct family_limit *limit);

#endif
