/* SPDX-License-Identifier: MIT */
#include "change/cancel.h"

/* operation.c has ended the operation already, before it begins this one. */
static void begin_cancel(struct operation *op)
{
	operation_finish(op, true, "cancelled: all goes on as before", NULL);
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
