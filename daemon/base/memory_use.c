/* SPDX-License-Identifier: MIT */
#include "base/memory_use.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/proc_folder.h"

/* -1: it may not be read, or the process has ended. */
static int64_t read_pss(pid_t pid)
{
	char path[64], line[256];
	int64_t kib = -1;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%d/smaps_rollup", (int)pid);
	f = proc_folder_stream(path);
	if (f == NULL)
		return -1;
	while (kib < 0 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Pss: %" SCNd64 " kB", &kib) != 1)
			kib = -1;
	(void)fclose(f);
	return kib >= 0 ? kib * 1024 : -1;
}

/* -1: the process has ended. */
static int64_t read_unshared(pid_t pid)
{
	int64_t resident, shared;
	char path[64];
	FILE *f;
	int n;

	(void)snprintf(path, sizeof(path), "%d/statm", (int)pid);
	f = proc_folder_stream(path);
	if (f == NULL)
		return -1;
	n = fscanf(f, "%*d %" SCNd64 " %" SCNd64, &resident, &shared);
	(void)fclose(f);
	return n == 2 ? (resident - shared) * sysconf(_SC_PAGESIZE) : -1;
}

int64_t memory_use(pid_t pid)
{
	int64_t bytes = read_pss(pid);

	return bytes >= 0 ? bytes : read_unshared(pid);
}
