/* SPDX-License-Identifier: MIT */
#include "sandbox/root.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/proc_folder.h"
#include "config/config.h"
#include "sandbox/state.h"

static int keep_ways(const struct sandbox *sandbox, struct err *err)
{
	if (sandbox->service->program.runs)
		return 0; /* the master reads what it writes */
	log_keep(!sandbox->runs_programs);
	if (sandbox->runs_programs)
		return proc_folder_keep(err);
	(void)proc_folder_keep_apart(); /* without it, the worker does not know how much memory it uses */
	return 0;
}

/* Later mounts must be below a place that is mounted itself. "/" is one. */
static int mount_on_itself(const char *root, const struct stat *st, struct err *err)
{
	struct stat top;

	if (stat("/", &top) == 0 && top.st_dev == st->st_dev && top.st_ino == st->st_ino)
		return 0;
	if (mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_sys(err, "cannot mount \"%.256s\"", root);
	return 0;
}

bool root_is_wanted(const struct sandbox *sandbox)
{
	return sandbox->service->sandbox.root != NULL && !sandbox->trial;
}

int root_change(struct sandbox *sandbox, bool mounts, struct err *err)
{
	const char *root = sandbox->service->sandbox.root;
	struct stat st;

	if (!root_is_wanted(sandbox) || sandbox->has_root)
		return 0;
	if (keep_ways(sandbox, err) < 0)
		return -1;
	if (stat(root, &st) < 0)
		return err_sys(err, "\"%.256s\"", root);
	if (mounts && mount_on_itself(root, &st, err) < 0)
		return -1;
	if (chroot(root) < 0 || chdir("/") < 0)
		return err_sys(err, "cannot make \"%.256s\" the root folder", root);
	sandbox->root_device = st.st_dev;
	sandbox->root_inode = st.st_ino;
	sandbox->has_root = true;
	return 0;
}

int root_verify(const struct sandbox *sandbox, struct err *err)
{
	struct stat st;

	if (!sandbox->has_root)
		return 0;
	if (stat("/", &st) < 0 || st.st_dev != sandbox->root_device || st.st_ino != sandbox->root_inode)
		return err_set(err, "the root folder is another one");
	return 0;
}
