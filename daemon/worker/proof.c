/* SPDX-License-Identifier: MIT */
#include "worker/proof.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/orders.h"

bool hold_until_go(int hold)
{
	struct pollfd p = {.fd = hold, .events = POLLIN};
	char byte = HOLD_PROVEN;
	sigset_t none;

	(void)sigemptyset(&none);
	if (send(hold, &byte, 1, MSG_NOSIGNAL) != 1)
		return false;
	while (!orders_to_leave()) {
		if (ppoll(&p, 1, NULL, &none) == 1)
			return recv(hold, &byte, 1, 0) == 1 && byte == HOLD_GO;
	}
	return false;
}

void hold_fail(int hold, const char *text)
{
	char message[1 + HOLD_TEXT_MAX] = {HOLD_FAILED};
	size_t len = strnlen(text, HOLD_TEXT_MAX);

	memcpy(message + 1, text, len);
	(void)send(hold, message, 1 + len, MSG_NOSIGNAL);
}
