/* SPDX-License-Identifier: MIT */
#include "sandbox/read_only.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h> /* not sys/mount.h: some versions of the two do not go together */
#include <stdbool.h>
#include <stddef.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "sandbox/state.h"

#define PROC_MAGIC    0x9fa0 /* of linux/magic.h, which some systems lack */
#define WRITABLE_MOST 256    /* /proc, and paths of sandbox.write */

static int set_read_only(const char *path, unsigned flags)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &attr, sizeof(attr));
}

/* A copy of the mounts at PATH that is not attached anywhere yet: what happens to others does not happen to it. */
static int copy_mounts(const char *path)
{
	return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

static int attach(int copy, const char *path)
{
	return (int)syscall(SYS_move_mount, copy, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

/* Files by which root of a namespace could change something for the whole host. */
static int protect_proc(struct err *err)
{
	static const char *const paths[] = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/acpi", "/proc/fs",
					    "/proc/bus"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int copy = copy_mounts(paths[i]), rc;

		if (copy < 0 && errno == ENOENT)
			continue;
		rc = copy < 0 || attach(copy, paths[i]) < 0 || set_read_only(paths[i], AT_RECURSIVE) < 0
			     ? err_sys(err, "cannot make %s read-only", paths[i])
			     : 0;
		fd_close(&copy);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* Copies of the mounts at PATHS, which stay writable as far as they are. -1 and *err: the first N are open. */
static int copy_all(const char *const *paths, size_t n, int *copies, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		copies[i] = -1;
	for (size_t i = 0; i < n; i++) {
		copies[i] = copy_mounts(paths[i]);
		if (copies[i] < 0)
			return err_sys(err, "cannot keep %s writable", paths[i]);
	}
	return 0;
}

static int attach_all(const char *const *paths, size_t n, const int *copies, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (attach(copies[i], paths[i]) < 0)
			return err_sys(err, "cannot keep %s writable", paths[i]);
	return 0;
}

/* A root folder may have an empty folder of this name, or none. */
static bool is_proc(const char *path)
{
	struct statfs info;

	return statfs(path, &info) == 0 && info.f_type == PROC_MAGIC;
}

/* /proc, and the paths of sandbox.write. Returns their number, at most MOST; MOST + 1: there are more. */
static size_t list_writable(const struct sandbox *sandbox, const char **out, size_t most)
{
	char *const *path = sandbox->service->sandbox.write;
	size_t n = 0;

	if (is_proc("/proc"))
		out[n++] = "/proc";
	for (; !sandbox->trial && path != NULL && *path != NULL && n < most; path++)
		out[n++] = *path;
	return path != NULL && *path != NULL && !sandbox->trial ? most + 1 : n;
}

static int set_all_read_only(struct err *err)
{
	if (set_read_only("/", AT_RECURSIVE) == 0)
		return 0;
	return err_sys(err, errno == ENOSYS ? "this kernel cannot make all mounts read-only (Linux 5.12)"
					    : "cannot make all mounts read-only");
}

int read_only_make(struct sandbox *sandbox, struct err *err)
{
	const char *paths[WRITABLE_MOST];
	int copies[WRITABLE_MOST], rc;
	size_t n = list_writable(sandbox, paths, WRITABLE_MOST);

	if (n > WRITABLE_MOST)
		return err_set(err, "sandbox.write has more than %d paths", WRITABLE_MOST - 1);
	rc = copy_all(paths, n, copies, err);
	if (rc == 0)
		rc = set_all_read_only(err);
	if (rc == 0)
		rc = attach_all(paths, n, copies, err);
	for (size_t i = 0; i < n; i++)
		fd_close(&copies[i]);
	return rc < 0 ? -1 : protect_proc(err);
}

int read_only_verify(const struct sandbox *sandbox, struct err *err)
{
	struct statvfs info;

	(void)sandbox;
	if (statvfs("/", &info) < 0)
		return err_sys(err, "/");
	return (info.f_flag & ST_RDONLY) != 0 ? 0 : err_set(err, "the root folder is not read-only");
}
