/* SPDX-License-Identifier: MIT */
#include "change/cancel.h"

#include <utlist.h>

/* operation.c has ended the operation already, before it begins this one. */
static void begin_cancel(struct operation *op)
{
	const struct pool *pool;
	bool yields = false;

	DL_FOREACH (op->all->fleet->retiring, pool)
		yields = yields || pool->yields;
	operation_finish(op, true,
			 yields ? "cancelled: programs of before start again, the new ones serve until then"
				: "cancelled: all goes on as before",
			 NULL);
}

static void end_cancel(struct operation *op, const char *why)
{
	operation_finish(op, false, why, NULL);
}

const struct operation_kind cancel_kind = {
	.order = ORDER_CANCEL,
	.name = "cancel",
	.doing = "cancelling",
	.size = sizeof(struct operation),
	.begin = begin_cancel,
	.end = end_cancel,
};
