/* SPDX-License-Identifier: MIT */
#include "base/children.h"

#include <unistd.h>

#include "base/proc_folder.h"

FILE *children_open(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "self/task/%d/children", (int)getpid());
	return proc_folder_stream(path);
}
