/* SPDX-License-Identifier: MIT */
/* How long N bare fork()s of a small process take, in milliseconds, while the children stay. */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	pid_t parent = getpid();
	pid_t *children;
	double before, after;
	long i, n;
	char *end;

	if (argc != 2)
		errx(64, "Usage: %s N", argv[0]);
	n = strtol(argv[1], &end, 10);
	if (*end != '\0' || n < 1 || n > 100000)
		errx(64, "%s: a number from 1 to 100000 is wanted", argv[1]);
	children = calloc((size_t)n, sizeof(*children));
	if (children == NULL)
		err(71, "calloc");
	before = now_ms();
	for (i = 0; i < n; i++) {
		children[i] = fork();
		if (children[i] < 0)
			err(71, "fork");
		if (children[i] == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(0);
			for (;;)
				(void)pause();
		}
	}
	after = now_ms();
	for (i = 0; i < n; i++)
		(void)kill(children[i], SIGKILL);
	for (i = 0; i < n; i++)
		(void)waitpid(children[i], NULL, 0);
	free(children);
	(void)printf("%.3f\n", after - before);
	return 0;
}
