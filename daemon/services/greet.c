/* SPDX-License-Identifier: MIT */
#include "services/greet.h"

#include <preforkd/module.h>
#include <string.h>

#include "config/config.h"
#include "services/conn.h"

bool greet_client(struct preforkd_conn *conn)
{
	const char *banner = conn->service->banner;

	if (banner == NULL)
		return true;
	if (preforkd_write(conn, banner, strlen(banner)) < 0)
		return false;
	conn->limited = false; /* the limits begin anew with the service, which knows whether its bytes are seen */
	return true;
}
