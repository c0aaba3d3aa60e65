/* SPDX-License-Identifier: MIT */
#include "sandbox/system_calls.h"

#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "config/config.h"

/* The kernel has filters, and nothing around this process keeps it from asking. */
static int look_for_filters(struct err *err)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		return 0;
	return err_sys(err, "system calls cannot be limited, all are allowed: seccomp(2)");
}

int system_calls_find_lack(const struct config_service *service, struct err *err)
{
	return service->sandbox.level == SANDBOX_OFF ? 0 : look_for_filters(err);
}
