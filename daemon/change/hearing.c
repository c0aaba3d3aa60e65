/* SPDX-License-Identifier: MIT */
#include "change/hearing.h"

#include <stdio.h>
#include <utlist.h>

#include "pool/pool_leave.h"

void hearing_of_pool(const struct pool *pool, struct hearing *out)
{
	struct proc *proc;

	DL_FOREACH (pool->procs, proc) {
		if (!pool_is_deaf(proc))
			continue;
		if (out->n_deaf++ == 0)
			out->first = proc->pid;
	}
}

void hearing_of_service(const struct fleet *fleet, const struct pool *pool, struct hearing *out)
{
	const struct pool *former;

	hearing_of_pool(pool, out);
	DL_FOREACH (fleet->retiring, former)
		if (former->totals == pool->totals)
			hearing_of_pool(former, out);
}

void hearing_write(const char *done, const struct hearing *hearing, char *out, size_t size)
{
	(void)snprintf(out, size, "%s, but %zu worker%s not heard it (pid %d%s)", done, hearing->n_deaf,
		       hearing->n_deaf == 1 ? " has" : "s have", (int)hearing->first,
		       hearing->n_deaf == 1 ? "" : ", ...");
}

void hearing_warn(const struct fleet *fleet, json_t *reasons)
{
	struct hearing hearing = {0};
	const struct pool *former;
	char text[128];

	DL_FOREACH (fleet->retiring, former)
		hearing_of_pool(former, &hearing);
	if (hearing.n_deaf == 0)
		return;
	hearing_write("the change is in force", &hearing, text, sizeof(text));
	(void)json_array_append_new(reasons, json_string(text));
}
