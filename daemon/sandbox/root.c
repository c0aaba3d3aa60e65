/* SPDX-License-Identifier: MIT */
#include "sandbox/root.h"

#include <stdbool.h>
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

int root_change(struct sandbox *sandbox, struct err *err)
{
	const char *root = sandbox->service->sandbox.root;
	struct stat st;

	if (root == NULL)
		return 0;
	if (keep_ways(sandbox, err) < 0)
		return -1;
	if (stat(root, &st) < 0 || chroot(root) < 0 || chdir("/") < 0)
		return err_sys(err, "cannot make \"%.256s\" the root folder", root);
	sandbox->root_device = st.st_dev;
	sandbox->root_inode = st.st_ino;
	return 0;
}

int root_verify(const struct sandbox *sandbox, struct err *err)
{
	struct stat st;

	if (sandbox->service->sandbox.root == NULL)
		return 0;
	if (stat("/", &st) < 0 || st.st_dev != sandbox->root_device || st.st_ino != sandbox->root_inode)
		return err_set(err, "the root folder is another one");
	return 0;
}
