/* SPDX-License-Identifier: MIT */
#include "sandbox/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "sandbox/state.h"

static int drop_all(struct err *err)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}}, mine[_LINUX_CAPABILITY_U32S_3];
	int saved;

	/* The ambient ones go with the permitted ones. */
	if (syscall(SYS_capset, &head, none) == 0)
		return 0;
	saved = errno; /* many filters of system calls refuse this one: they are no harm if there is nothing to give up
			*/
	if (syscall(SYS_capget, &head, mine) == 0 && memcmp(mine, none, sizeof(mine)) == 0)
		return 0;
	return err_code(err, saved, "cannot give up the capabilities (capset)");
}

static int drop_ambient(struct err *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, "cannot give up the ambient capabilities (PR_CAP_AMBIENT_CLEAR_ALL)");
	return 0;
}

int capabilities_drop(struct sandbox *sandbox, struct err *err)
{
	return sandbox->runs_programs && geteuid() == 0 ? drop_ambient(err) : drop_all(err);
}
