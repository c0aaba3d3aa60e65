/* SPDX-License-Identifier: MIT */
/* The yardstick for echo: accept4, read and write until the end, close; nothing else. */
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

#include "yard.h"

static void echo(int fd)
{
	static char buffer[65536];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		ssize_t done = 0;

		while (done < n) {
			ssize_t written = write(fd, buffer + done, (size_t)(n - done));

			if (written <= 0)
				break;
			done += written;
		}
		if (done < n)
			break;
	}
	(void)close(fd);
}

int main(int argc, char **argv)
{
	yard_run(argc, argv, echo);
}
