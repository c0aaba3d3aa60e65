/* SPDX-License-Identifier: MIT */
#include "change/order_table.h"

#define MAY	ANSWER_MAY
#define WAITS	ANSWER_WAITS
#define JOINS	ANSWER_JOINS
#define ENDS	ANSWER_ENDS
#define REFUSED ANSWER_REFUSED

/* clang-format off */
static const enum order_answer answers[ORDERS][RUNNINGS] = {
	/*		   start    changer: early, late  pause    drain    undrain  upgrade: early, late  stop */
	[ORDER_START]   = {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED},
	[ORDER_RELOAD]  = {WAITS,   WAITS,   WAITS,   MAY,     MAY,     MAY,     WAITS,   WAITS,   REFUSED},
	[ORDER_RESTART] = {WAITS,   WAITS,   WAITS,   MAY,     MAY,     WAITS,   WAITS,   WAITS,   REFUSED},
	[ORDER_RESIZE]  = {WAITS,   WAITS,   WAITS,   MAY,     MAY,     MAY,     WAITS,   WAITS,   REFUSED},
	[ORDER_UPGRADE] = {WAITS,   WAITS,   WAITS,   WAITS,   MAY,     WAITS,   JOINS,   WAITS,   REFUSED},
	[ORDER_PAUSE]   = {REFUSED, MAY,     MAY,     JOINS,   MAY,     MAY,     MAY,     WAITS,   REFUSED},
	[ORDER_RESUME]  = {REFUSED, MAY,     MAY,     ENDS,    MAY,     MAY,     MAY,     WAITS,   REFUSED},
	[ORDER_DRAIN]   = {REFUSED, MAY,     MAY,     MAY,     JOINS,   ENDS,    MAY,     WAITS,   REFUSED},
	[ORDER_UNDRAIN] = {REFUSED, MAY,     MAY,     MAY,     ENDS,    JOINS,   MAY,     WAITS,   REFUSED},
	[ORDER_CANCEL]  = {REFUSED, ENDS,    REFUSED, REFUSED, REFUSED, REFUSED, ENDS,    REFUSED, REFUSED},
	[ORDER_STOP]    = {ENDS,    ENDS,    ENDS,    ENDS,    ENDS,    ENDS,    ENDS,    ENDS,    JOINS},
};
/* clang-format on */

enum order_answer order_answer(enum order_running running, enum order asked)
{
	return answers[asked][running];
}
