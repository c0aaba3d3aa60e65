/* SPDX-License-Identifier: MIT */
#include "sandbox/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/dumpable.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/proc_folder.h"

bool user_namespace_is_needed(void)
{
	return !capability_has(CAP_SYS_ADMIN);
}

static int write_map(const char *path, const char *text, struct err *err)
{
	int fd = proc_folder_open(path, O_WRONLY);
	ssize_t n = fd >= 0 ? write(fd, text, strlen(text)) : -1;
	int saved = errno;

	fd_close(&fd);
	return n >= 0 ? 0 : err_code(err, saved, "cannot write /proc/%s", path);
}

/* One line each: more would need rights outside of the namespace. */
static int map_onto_itself(uid_t uid, gid_t gid, struct err *err)
{
	char text[64];

	if (write_map("self/setgroups", "deny", err) < 0) /* the kernel demands this before the groups are mapped */
		return -1;
	(void)snprintf(text, sizeof(text), "%u %u 1", (unsigned)uid, (unsigned)uid);
	if (write_map("self/uid_map", text, err) < 0)
		return -1;
	(void)snprintf(text, sizeof(text), "%u %u 1", (unsigned)gid, (unsigned)gid);
	return write_map("self/gid_map", text, err);
}

int user_namespace_enter(struct err *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int rc;

	if (unshare(CLONE_NEWUSER) < 0)
		return err_sys(err, "this process lacks CAP_SYS_ADMIN, and cannot make a user namespace");
	/* as long as nobody may look into this process, its files in /proc belong to root */
	if (dumpable_set(true, err) < 0)
		return -1;
	rc = map_onto_itself(uid, gid, err);
	return dumpable_set(false, rc < 0 ? NULL : err) < 0 ? -1 : rc;
}
