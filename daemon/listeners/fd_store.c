/* SPDX-License-Identifier: MIT */
#include "listeners/fd_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/notify.h"
#include "listeners/listener.h"
#include "net/inherited.h"

static unsigned long last_number; /* of the names that we have given */

void fd_store_seen(const char *name)
{
	const char *dot = strrchr(name, '.');
	unsigned long number = dot != NULL ? strtoul(dot + 1, NULL, 10) : 0;

	if (number > last_number)
		last_number = number;
}

void fd_store_keep(struct listener *listener, const char *service)
{
	if (listener->inherited || listener->fd < 0 || listener->stored[0] != '\0' || !notify_is_heard())
		return;
	(void)snprintf(listener->stored, sizeof(listener->stored), INHERITED_STORED "%s.%lu", service, ++last_number);
	/* it must not be polled for errors: a socket that refuses for a while would be thrown away */
	notify_send_fd(listener->fd, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", listener->stored);
}

void fd_store_forget(const char *name)
{
	notify_send("FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void fd_store_drop(struct listener *listener)
{
	if (listener->stored[0] == '\0')
		return;
	fd_store_forget(listener->stored);
	listener->stored[0] = '\0';
}
