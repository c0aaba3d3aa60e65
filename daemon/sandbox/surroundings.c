/* SPDX-License-Identifier: MIT */
#include "sandbox/surroundings.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "sandbox/state.h"

int umask_set(struct sandbox *sandbox, struct err *err)
{
	mode_t mask = sandbox->service->program.umask;

	(void)err;
	if (mask != CONFIG_UNSET_MODE)
		(void)umask(mask); /* cannot fail */
	return 0;
}

int nice_set(struct sandbox *sandbox, struct err *err)
{
	int64_t nice = sandbox->service->program.nice;

	if (nice != CONFIG_UNSET && setpriority(PRIO_PROCESS, 0, (int)nice) < 0)
		return err_sys(err, "cannot set the priority %d", (int)nice);
	return 0;
}

int nice_verify(const struct sandbox *sandbox, struct err *err)
{
	int64_t nice = sandbox->service->program.nice;

	errno = 0; /* -1 is a priority, too */
	if (nice != CONFIG_UNSET && (getpriority(PRIO_PROCESS, 0) != (int)nice || errno != 0))
		return err_set(err, "the priority is not %d", (int)nice);
	return 0;
}

int directory_enter(struct sandbox *sandbox, struct err *err)
{
	const char *directory = sandbox->service->program.directory;

	if (directory != NULL && chdir(directory) < 0)
		return err_sys(err, "cannot enter %s", directory);
	return 0;
}
