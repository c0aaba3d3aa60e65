/* SPDX-License-Identifier: MIT */
#include "worker/gate.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/orders.h"

bool gate_pass(int gate)
{
	struct pollfd p = {.fd = gate, .events = POLLIN};
	char byte = GATE_PROVEN;
	sigset_t none;

	(void)sigemptyset(&none);
	if (send(gate, &byte, 1, MSG_NOSIGNAL) != 1)
		return false;
	while (!orders_to_leave()) {
		if (ppoll(&p, 1, NULL, &none) == 1)
			return recv(gate, &byte, 1, 0) == 1 && byte == GATE_GO;
	}
	return false;
}

void gate_fail(int gate, const char *text)
{
	char message[1 + GATE_TEXT_MAX] = {GATE_FAILED};
	size_t len = strnlen(text, GATE_TEXT_MAX);

	memcpy(message + 1, text, len);
	(void)send(gate, message, 1 + len, MSG_NOSIGNAL);
}
