/* SPDX-License-Identifier: MIT */
#include "base/dumpable.h"

#include <sys/prctl.h>

#include "base/err.h"

int dumpable_set(bool on, struct err *err)
{
	if (prctl(PR_SET_DUMPABLE, on, 0, 0, 0) < 0)
		return err_sys(err, "cannot set who may read the memory of this process (PR_SET_DUMPABLE)");
	return 0;
}
