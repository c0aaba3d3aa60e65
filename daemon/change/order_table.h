/* SPDX-License-Identifier: MIT */
/*
 * Master. Which order may run beside which: the answer to an order that is asked for while an operation runs. Every
 * pair has an answer. Pure: knows no fleet and no time.
 */
#ifndef PREFORKD_CHANGE_ORDER_TABLE_H
#define PREFORKD_CHANGE_ORDER_TABLE_H

/* What can be asked of the daemon. ORDER_START is never asked for: it runs when the daemon starts. */
enum order {
	ORDER_START,
	ORDER_RELOAD,
	ORDER_RESTART,
	ORDER_RESIZE,
	ORDER_UPGRADE,
	ORDER_PAUSE,
	ORDER_RESUME,
	ORDER_DRAIN,
	ORDER_UNDRAIN,
	ORDER_CANCEL,
	ORDER_STOP,
	ORDERS,
};

/* What runs, as far as the answers differ. "Changer": a reload, a restart or a resize; early: not in force yet. */
enum order_running {
	RUNNING_START,
	RUNNING_CHANGER_EARLY,
	RUNNING_CHANGER_LATE,
	RUNNING_PAUSE, /* of the same service; one of another service changes no answer */
	RUNNING_DRAIN,
	RUNNING_UNDRAIN,
	RUNNING_UPGRADE_EARLY, /* the old image, before the exec */
	RUNNING_UPGRADE_LATE,  /* the new image, after it */
	RUNNING_STOP,
	RUNNINGS,
};

enum order_answer {
	ANSWER_MAY,	/* it begins beside what runs */
	ANSWER_WAITS,	/* it begins when what runs is over */
	ANSWER_JOINS,	/* what runs is what is asked for: they share the verdict */
	ANSWER_ENDS,	/* it begins, and what runs is given up */
	ANSWER_REFUSED, /* it does not begin */
};

enum order_answer order_answer(enum order_running running, enum order asked);

#endif
