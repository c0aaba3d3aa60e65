/* SPDX-License-Identifier: MIT */
/* Worker. Character generator (RFC 864): sends rotating lines of 72 characters until the client closes. */
#include <errno.h>
#include <preforkd/module.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "services/kinds.h"

#define CHARS 95 /* the printing ones, from space to ~ */
#define WIDTH 72
#define LINE  (WIDTH + 2)

/* One whole rotation; filled in once, when the worker starts. */
static char pattern[CHARS * LINE];

static int fill_pattern(void)
{
	for (int line = 0; line < CHARS; line++) {
		char *at = pattern + line * LINE;

		for (int i = 0; i < WIDTH; i++)
			at[i] = (char)(' ' + (line + i) % CHARS);
		memcpy(at + WIDTH, "\r\n", 2);
	}
	return 0;
}

/* Discards what the client has sent: unread, it would fill the buffers, and turn close(2) into a reset. Returns true if
 * the client is gone; a client that has only finished sending still reads. */
static bool discard_input(struct preforkd_conn *conn)
{
	char buf[4096];
	ssize_t n = 1;

	/* bounded: a client that sends faster than this discards gets its lines nevertheless */
	for (int i = 0; i < 64 && n > 0; i++)
		n = recv(preforkd_fd(conn), buf, sizeof(buf), MSG_DONTWAIT);
	return n < 0 && errno != EAGAIN && errno != EINTR;
}

static int serve_chargen(struct preforkd_conn *conn)
{
	while (!discard_input(conn)) {
		if (preforkd_write(conn, pattern, sizeof(pattern)) == 0)
			continue;
		/* a client ends this service by closing, so that is no failure */
		return errno == EPIPE || errno == ECONNRESET ? 0 : -1;
	}
	return 0;
}

#define DATAGRAM_MOST 512 /* characters in an answer, says the RFC */

/* A random number of characters, as the RFC says, but no more than MAX. */
static ssize_t answer_chargen(const void *request, size_t size, void *reply, size_t max)
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
	.serve = serve_chargen,
	.answer = answer_chargen,
	.worker_start = fill_pattern,
};
