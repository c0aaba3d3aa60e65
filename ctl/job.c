/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "call.h"
#include "options.h"
#include "request.h"
#include "say.h"
#include "terminal.h"
#include "values.h"

#define POLL_MIN_MS    100  /* between two questions, however fast the daemon answers */
#define AGAIN_MS       50   /* before another try to reach a daemon that is away */
#define AWAY_MAX_MS    5000 /* how long the daemon may be away */
#define PROGRESS_BYTES 256
#define CLEAR	       "\r\033[K"

struct job {
	struct call call;
	int64_t number;
	pid_t daemon;		    /* the process that took the order; 0: not known */
	int64_t away_since_ms;	    /* 0: the daemon answered the last question */
	bool terminal;		    /* standard error is a terminal: show progress */
	char shown[PROGRESS_BYTES]; /* the line that is on the terminal now; empty: none */
};

static void show_progress(struct job *job, const char *text)
{
	unsigned columns, lines;
	size_t length = strlen(text);

	if (!job->terminal || strcmp(text, job->shown) == 0)
		return;
	(void)snprintf(job->shown, sizeof(job->shown), "%s", text);
	/* CLEAR clears one line only, so the text must not wrap */
	terminal_size(STDERR_FILENO, &columns, &lines);
	if (length >= columns)
		length = columns - 1;
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	(void)fprintf(stderr, CLEAR "%.*s", (int)length, text);
	(void)fflush(stderr);
}

static void clear_progress(struct job *job)
{
	if (job->shown[0] != '\0')
		(void)fputs(CLEAR, stderr);
	job->shown[0] = '\0';
}

/*
 * May the daemon be back soon? The exec of an upgrade closes all connections of the control socket, and the job lives
 * on in the new image. Somebody else may have ordered the upgrade, so every job allows for it.
 */
static bool is_away(struct job *job)
{
	int64_t now = clock_ms();

	if (job->call.end != CALL_GONE)
		return false;
	if (job->away_since_ms == 0)
		job->away_since_ms = now;
	return now - job->away_since_ms < AWAY_MAX_MS;
}

/* An upgrade keeps the pid. A daemon with another pid was started anew: it knows other jobs by the same numbers. */
static bool is_other_daemon(const struct job *job, struct err *err)
{
	if (job->daemon <= 0 || job->call.peer <= 0 || job->call.peer == job->daemon)
		return false;
	(void)err_set(err, "the daemon (pid %d) has ended, and another one (pid %d) runs in its place",
		      (int)job->daemon, (int)job->call.peer);
	return true;
}

/* Asks once. 0: *reply_out is the answer; 1: the daemon is away, ask again; -1: failed, with *status_out. */
static int ask_job(struct job *job, const json_t *request, json_t **reply_out, int *status_out)
{
	struct err err;

	if (call_open(&job->call, &err) == 0) {
		if (is_other_daemon(job, &err)) {
			call_close(&job->call);
			clear_progress(job);
			*status_out = say_failure(&err, EX_UNAVAILABLE);
			return -1;
		}
		if (call_exchange(&job->call, request, reply_out, &err) == 0) {
			job->away_since_ms = 0;
			return 0;
		}
	}
	if (is_away(job))
		return 1;
	clear_progress(job);
	*status_out = say_failure(&err, job->call.status);
	return -1;
}

/* Asks until the job is done. Returns the last answer; NULL: failed, *status_out is the exit status. */
static json_t *follow_job(struct job *job, int *status_out)
{
	json_t *request = request_job(job->number), *reply = NULL;
	char text[PROGRESS_BYTES];

	for (;;) {
		int64_t begin = clock_ms(), took;
		int rc = ask_job(job, request, &reply, status_out);

		if (rc > 0) {
			(void)poll(NULL, 0, AGAIN_MS);
			continue;
		}
		if (rc < 0)
			reply = NULL;
		if (rc < 0 || !json_is_false(json_object_get(reply, "done")))
			break;
		show_progress(job, values_text(reply, "text", text, sizeof(text)));
		json_decref(reply);
		took = clock_ms() - begin;
		if (took < POLL_MIN_MS)
			(void)poll(NULL, 0, (int)(POLL_MIN_MS - took));
	}
	clear_progress(job);
	json_decref(request);
	return reply;
}

/* Returns the exit status. */
static int print_verdict(json_t *reply, const struct options *options)
{
	bool success = json_is_true(json_object_get(reply, "success"));
	char text[SAY_TEXT_MAX];

	if (!json_is_true(json_object_get(reply, "done")))
		return say_malformed("its answer does not say whether the job is done");
	if (options->quiet)
		return success ? 0 : 1;
	if (options->json) {
		int status;

		(void)json_object_del(reply, "ok");
		status = say_json(reply);
		return status != 0 ? status : success ? 0 : 1;
	}
	(void)values_text(reply, "text", text, sizeof(text));
	if (success)
		(void)printf("%s\n", text);
	else
		(void)fprintf(stderr, "preforkctl: %s\n", text);
	say_lines(json_object_get(reply, "reasons"), stderr);
	return say_end(success ? 0 : 1);
}

/*
 * Gives the order. 0: job->number and job->daemon are known; else the exit status. There is no second try: after a
 * connection that ended without an answer nobody knows whether the daemon has taken the order.
 */
static int order_job(struct job *job, const struct options *options)
{
	json_t *request, *reply;
	struct err err;
	int status = 0;

	request = request_new(options, &err);
	if (request == NULL)
		return say_failure(&err, EX_USAGE);
	if (call_make(&job->call, request, &reply, &err) < 0) {
		status = say_failure(&err, job->call.status);
	} else {
		if (!values_integer(reply, "job", &job->number))
			status = say_malformed("its answer has no number of a job");
		json_decref(reply);
	}
	job->daemon = job->call.peer;
	json_decref(request);
	return status;
}

int job_run(const struct options *options)
{
	struct job job = {.terminal = terminal_is(STDERR_FILENO)};
	json_t *reply;
	int status;

	call_init(&job.call, options->socket);
	status = order_job(&job, options);
	if (status != 0)
		return status;
	reply = follow_job(&job, &status);
	if (reply == NULL)
		return status;
	status = print_verdict(reply, options);
	json_decref(reply);
	return status;
}
