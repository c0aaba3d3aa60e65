/* SPDX-License-Identifier: MIT */
#include "stop.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "call.h"
#include "options.h"
#include "request.h"
#include "say.h"
#include "values.h"

#define LOOK_MS 500 /* between two questions for the status */

/* How preforkctl sees that the daemon has ended. */
enum sight {
	BY_PIDFD,  /* a pidfd becomes readable: exact */
	BY_PID,	   /* kill(pid, 0), on a kernel without pidfds */
	BY_SOCKET, /* connect(2) fails; for a process that is not visible here, such as one of another pid namespace */
};

struct wait {
	struct call call;
	enum sight sight;
	int pidfd;
	pid_t pid;
	struct call_watch watch; /* gives up a question when the daemon ends */
	bool quiet;
	char printed[128]; /* the last progress line that was printed */
};

/* Call while connected: the pid can belong to another process then only if the daemon ends just now. */
static void find_process(struct wait *wait)
{
	wait->pidfd = -1;
	wait->pid = wait->call.peer;
	wait->sight = BY_SOCKET;
	if (wait->pid <= 0)
		return;
	wait->pidfd = (int)syscall(SYS_pidfd_open, wait->pid, 0);
	if (wait->pidfd >= 0)
		wait->sight = BY_PIDFD;
	else if (errno != ESRCH)
		wait->sight = BY_PID;
}

/* The pidfd is the only descriptor of the watch, so the daemon has ended when this is called. */
static bool give_up_call(void *context)
{
	(void)context;
	return true;
}

/* Has the daemon ended? Waits for that, MS milliseconds at most. */
static bool has_ended(struct wait *wait, int ms)
{
	struct pollfd fd = {.fd = wait->pidfd, .events = POLLIN};
	struct call probe;
	struct err err;

	if (wait->sight == BY_PIDFD)
		return poll(&fd, 1, ms) > 0;
	(void)poll(NULL, 0, ms);
	if (wait->sight == BY_PID)
		return kill(wait->pid, 0) < 0 && errno == ESRCH;
	call_init(&probe, wait->call.path);
	if (call_open(&probe, &err) < 0)
		return probe.end == CALL_GONE;
	call_close(&probe);
	return false;
}

static void print_progress(struct wait *wait, const json_t *status)
{
	struct values_sum clients = {.n = 0}, queue = {.n = 0};
	const json_t *service, *listener;
	char line[sizeof(wait->printed)];
	size_t i, j;

	json_array_foreach (json_object_get(status, "services"), i, service) {
		values_add(&clients, json_object_get(service, "connections"), "active");
		json_array_foreach (json_object_get(service, "listeners"), j, listener)
			values_add(&queue, listener, "queue");
	}
	if (!clients.known && !queue.known)
		return;
	if (clients.n == 0 && queue.n == 0)
		(void)snprintf(line, sizeof(line), "waiting for the processes to end");
	else
		(void)snprintf(line, sizeof(line), "waiting for %" PRId64 " client%s, %" PRId64 " queued", clients.n,
			       clients.n == 1 ? "" : "s", queue.n);
	if (wait->quiet || strcmp(line, wait->printed) == 0)
		return;
	memcpy(wait->printed, line, sizeof(line));
	(void)puts(line);
	(void)fflush(stdout);
}

static void wait_for_end(struct wait *wait)
{
	json_t *request = request_status(), *reply;
	struct err err;

	wait->watch = (struct call_watch){.fds = {wait->pidfd, -1}, .attend = give_up_call};
	wait->call.watch = &wait->watch;
	while (!has_ended(wait, LOOK_MS)) {
		/* A daemon that is about to end may leave a question unanswered. */
		if (call_make(&wait->call, request, &reply, &err) < 0)
			continue;
		print_progress(wait, json_object_get(reply, "status"));
		json_decref(reply);
	}
	json_decref(request);
}

/* Gives the order to stop. Returns 0 or the exit status. */
static int ask_stop(struct wait *wait, const json_t *request, json_t **reply_out)
{
	struct err err;

	if (call_open(&wait->call, &err) < 0)
		return say_failure(&err, wait->call.status);
	find_process(wait);
	if (call_exchange(&wait->call, request, reply_out, &err) == 0)
		return 0;
	/* The daemon ended before it answered: the order is done. */
	if (wait->call.end == CALL_GONE && has_ended(wait, LOOK_MS)) {
		*reply_out = json_object();
		return 0;
	}
	return say_failure(&err, wait->call.status);
}

int stop_run(const struct options *options)
{
	struct wait wait = {.quiet = options->json, .pidfd = -1};
	json_t *request, *reply = NULL;
	struct err err;
	int status;

	request = request_new(options, &err);
	if (request == NULL)
		return say_failure(&err, EX_USAGE);
	call_init(&wait.call, options->socket);
	status = ask_stop(&wait, request, &reply);
	json_decref(request);
	if (status == 0)
		wait_for_end(&wait);
	if (status == 0 && options->json && json_object_del(reply, "ok") <= 0)
		status = say_json(reply);
	json_decref(reply);
	fd_close(&wait.pidfd);
	return status == 0 ? say_end(0) : status;
}
