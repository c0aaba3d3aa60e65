/* SPDX-License-Identifier: MIT */
/*
 * The yardstick for HTTP: as little as an HTTP load generator is content with. Each request, to its empty
 * line, gets the same 64 bytes.
 */
#include <string.h>
#include <unistd.h>

#include "yard.h"

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n"
			     "an answer of 64 bytes.\r\n";

static void serve(int fd)
{
	static char buffer[65536];
	size_t got = 0;
	ssize_t n;

	while ((n = read(fd, buffer + got, sizeof(buffer) - got)) > 0) {
		got += (size_t)n;
		if (got < 4 || memcmp(buffer + got - 4, "\r\n\r\n", 4) != 0)
			continue;
		got = 0;
		if (write(fd, answer, sizeof(answer) - 1) != (ssize_t)sizeof(answer) - 1)
			break;
	}
	(void)close(fd);
}

int main(int argc, char **argv)
{
	yard_run(argc, argv, serve);
}
