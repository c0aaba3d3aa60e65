/* SPDX-License-Identifier: MIT */
/*
 * Master. Which order may run beside which: one table with the answer for every pair of a running operation and an
 * order that is asked for. It depends on nothing else.
 */
#ifndef PREFORKD_CHANGE_ORDER_TABLE_H
#define PREFORKD_CHANGE_ORDER_TABLE_H

/* The orders. ORDER_START is never asked for: it runs when the daemon starts. */
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

/* The running operation, as far as answers differ. A changer is a reload, a restart or a resize. Early: before the
 * commit; late: after it, when its changes are in force. */
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
	ANSWER_JOINS,	/* the same order runs already: its verdict answers both */
	ANSWER_ENDS,	/* it begins, and what runs is ended */
	ANSWER_REFUSED, /* it does not begin */
};

enum order_answer order_answer(enum order_running running, enum order asked);

#endif
