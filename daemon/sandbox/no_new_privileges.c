/* SPDX-License-Identifier: MIT */
#include "sandbox/no_new_privileges.h"

#include <sys/prctl.h>

#include "base/dumpable.h"
#include "base/err.h"
#include "sandbox/state.h"

int no_new_privileges_set(struct sandbox *sandbox, struct err *err)
{
	if (sandbox->service->sandbox.no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "cannot set no_new_privs");
	return dumpable_set(false, err);
}

int no_new_privileges_verify(const struct sandbox *sandbox, struct err *err)
{
	if (sandbox->service->sandbox.no_new_privileges && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return err_set(err, "no_new_privs is not set although the kernel has reported that it is");
	return 0;
}
