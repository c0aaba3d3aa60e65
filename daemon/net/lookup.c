/* SPDX-License-Identifier: MIT */
#include "net/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "net/addr.h"
#include "net/relay.h"

/* The child's answer; it goes through the pipe in one piece. */
struct answer {
	int n; /* -1: err says why */
	struct err err;
	struct sockaddr_any list[LOOKUP_MOST];
};
_Static_assert(sizeof(struct answer) <= PIPE_BUF, "an answer must be written as a whole");

_Noreturn static void run_child(const struct addr *addr, int out)
{
	static struct answer answer;
	int keep[] = {out};

	if (fds_close_except(keep, 1) < 0)
		answer.n = err_sys(&answer.err, "\"%s\": cannot look it up: cannot close descriptors", addr->text);
	else
		answer.n = addr_resolve(addr, answer.list, LOOKUP_MOST, &answer.err);
	(void)!write(out, &answer, sizeof(answer));
	_exit(0);
}

static pid_t start_child(const struct addr *addr, int *in_out, struct err *err)
{
	sigset_t all, before;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, "\"%s\": cannot look it up: no pipe", addr->text);
	/* The child keeps all signals blocked, or it would run the handlers of its parent. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = child_fork();
	if (pid == 0)
		run_child(addr, ends[1]);
	if (pid < 0)
		(void)err_sys(err, "\"%s\": cannot look it up: no process", addr->text);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	fd_close(&ends[1]);
	*in_out = ends[0];
	if (pid < 0)
		fd_close(in_out);
	return pid;
}

/* Waits until the child has written or ended (0), WATCH is over or the time is up (-1). */
static int wait_answer(const struct addr *addr, int limit_ms, int watch, int in, struct err *err)
{
	struct pollfd p[] = {{.fd = in, .events = POLLIN}, {.fd = watch}};
	int64_t end = clock_ms() + limit_ms;

	for (;;) {
		int64_t rest = end - clock_ms();

		if (rest <= 0)
			return err_set(err, "\"%s\": cannot resolve %s: no answer within %d ms", addr->text, addr->host,
				       limit_ms);
		if (poll(p, 2, (int)rest) <= 0)
			continue;
		if (relay_is_over(watch, p[1].revents)) {
			return err_code(err, ECANCELED, "\"%s\": cannot resolve %s", addr->text, addr->host);
		}
		if (p[0].revents != 0)
			return 0;
		p[1].fd = -1;
	}
}

static void end_child(pid_t pid)
{
	child_kill(pid);
	(void)child_wait(pid);
}

int lookup_address(const struct addr *addr, int limit_ms, int watch, struct sockaddr_any *out, size_t max,
		   struct err *err)
{
	struct answer answer;
	pid_t pid;
	ssize_t n;
	int in;

	if (addr_is_literal(addr))
		return addr_resolve(addr, out, max, err);
	pid = start_child(addr, &in, err);
	if (pid < 0)
		return -1;
	if (wait_answer(addr, limit_ms, watch, in, err) < 0) {
		end_child(pid);
		fd_close(&in);
		return -1;
	}
	n = read(in, &answer, sizeof(answer));
	end_child(pid);
	fd_close(&in);
	if (n != (ssize_t)sizeof(answer))
		return err_set(err, "\"%s\": cannot resolve %s: the resolver has crashed", addr->text, addr->host);
	if (answer.n < 0) {
		if (err != NULL)
			*err = answer.err;
		return -1;
	}
	if ((size_t)answer.n > max)
		answer.n = (int)max;
	memcpy(out, answer.list, (size_t)answer.n * sizeof(*out));
	return answer.n;
}
