/* SPDX-License-Identifier: MIT */
#include "listeners/fd_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/notify.h"
#include "net/inherited.h"

static unsigned long last_number; /* the highest number of any name */

void fd_store_seen(const char *name)
{
	const char *dot = strrchr(name, '.');
	unsigned long number = dot != NULL ? strtoul(dot + 1, NULL, 10) : 0;

	if (number > last_number)
		last_number = number;
}

bool fd_store_keep(int fd, const char *service, char *name_out, size_t size)
{
	if (!notify_is_heard())
		return false;
	(void)snprintf(name_out, size, INHERITED_STORED "%s.%lu", service, ++last_number);
	/* Without FDPOLL=0 the service manager would drop a socket that refuses clients for a while: it polls for
	 * errors. */
	notify_send_fd(fd, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name_out);
	return true;
}

void fd_store_forget(const char *name)
{
	notify_send("FDSTOREREMOVE=1\nFDNAME=%s", name);
}
