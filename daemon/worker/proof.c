/* SPDX-License-Identifier: MIT */
#include "worker/proof.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/orders.h"

bool proof_wait(int proof)
{
	struct pollfd p = {.fd = proof, .events = POLLIN};
	char byte = PROOF_PROVEN;
	sigset_t none;

	(void)sigemptyset(&none);
	if (send(proof, &byte, 1, MSG_NOSIGNAL) != 1)
		return false;
	while (!orders_to_leave()) {
		if (ppoll(&p, 1, NULL, &none) == 1)
			return recv(proof, &byte, 1, 0) == 1 && byte == PROOF_GO;
	}
	return false;
}

void proof_fail(int proof, const char *text)
{
	char message[1 + PROOF_TEXT_MAX] = {PROOF_FAILED};
	size_t len = strnlen(text, PROOF_TEXT_MAX);

	memcpy(message + 1, text, len);
	(void)send(proof, message, 1 + len, MSG_NOSIGNAL);
}
