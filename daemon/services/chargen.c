/* SPDX-License-Identifier: MIT */
/* Character generator (RFC 864): the rotating lines of 72 characters, until the client closes. */
#include <errno.h>
#include <preforkd/module.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "services/kinds.h"

#define CHARS 95 /* the printing ones, from space to ~ */
#define WIDTH 72
#define LINE  (WIDTH + 2)

/* One whole rotation, laid once a worker. */
static char pattern[CHARS * LINE];

static int worker_start(void)
{
	for (int line = 0; line < CHARS; line++) {
		char *at = pattern + line * LINE;

		for (int i = 0; i < WIDTH; i++)
			at[i] = (char)(' ' + (line + i) % CHARS);
		memcpy(at + WIDTH, "\r\n", 2);
	}
	return 0;
}

/* What the client sends is thrown away, or it would fill the buffers and end in a reset. Says whether the client
 * is gone; one that only finished sending still listens. */
static bool discard_input(struct preforkd_conn *conn)
{
	char buf[4096];
	ssize_t n = 1;

	/* a client that sends faster than this is still to get its lines in between */
	for (int i = 0; i < 64 && n > 0; i++)
		n = recv(preforkd_fd(conn), buf, sizeof(buf), MSG_DONTWAIT);
	return n < 0 && errno != EAGAIN && errno != EINTR;
}

static int serve(struct preforkd_conn *conn)
{
	while (!discard_input(conn)) {
		if (preforkd_write(conn, pattern, sizeof(pattern)) == 0)
			continue;
		/* closing is how a client ends this service */
		return errno == EPIPE || errno == ECONNRESET ? 0 : -1;
	}
	return 0;
}

#define DATAGRAM_MOST 512 /* of the RFC */

/* A random number of characters, as the RFC has it, and no more than may be sent. */
static ssize_t answer(const void *request, size_t size, void *reply, size_t max)
{
	size_t most = max < DATAGRAM_MOST ? max : DATAGRAM_MOST;
	size_t n = (size_t)random() % (most + 1);

	(void)request;
	(void)size;
	memcpy(reply, pattern, n);
	return (ssize_t)n;
}

const struct preforkd_module service_chargen = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(service_chargen),
	.name = "chargen",
	.summary = "sends rotating characters until the client closes (RFC 864)",
	.flags = PREFORKD_STREAM | PREFORKD_DATAGRAM | PREFORKD_SPEAKS_FIRST,
	.serve = serve,
	.answer = answer,
	.worker_start = worker_start,
};
