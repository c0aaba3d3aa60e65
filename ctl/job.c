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
#include "commands.h"
#include "options.h"
#include "request.h"
#include "say.h"
#include "terminal.h"
#include "values.h"

#define POLL_MIN_MS    100  /* between two questions, however fast the daemon answers */
#define AGAIN_MS       50   /* before another try at a socket that nobody serves */
#define AWAY_MAX_MS    5000 /* how long it may be so during an upgrade */
#define PROGRESS_BYTES 256
#define CLEAR	       "\r\033[K"

struct job {
	struct call call;
	int64_t number;
	bool may_be_away;	    /* the daemon, for a moment */
	int64_t away_since_ms;	    /* 0: it is there */
	bool terminal;		    /* somebody looks on */
	char shown[PROGRESS_BYTES]; /* the line that is on the terminal now; empty: none */
};

static void show_progress(struct job *job, const char *text)
{
	unsigned columns, lines;
	size_t length = strlen(text);

	if (!job->terminal || strcmp(text, job->shown) == 0)
		return;
	(void)snprintf(job->shown, sizeof(job->shown), "%s", text);
	/* a line that wraps could not be taken away again */
	terminal_size(STDERR_FILENO, &columns, &lines);
	if (length >= columns)
		length = columns - 1;
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	(void)fprintf(stderr, CLEAR "%.*s", (int)length, text);
	(void)fflush(stderr);
}

static void end_progress(struct job *job)
{
	if (job->shown[0] != '\0')
		(void)fputs(CLEAR, stderr);
	job->shown[0] = '\0';
}

/* Is this failure one that an upgrade brings with it? */
static bool is_away(struct job *job)
{
	int64_t now = clock_ms();

	if (!job->may_be_away || job->call.end != CALL_GONE)
		return false;
	if (job->away_since_ms == 0)
		job->away_since_ms = now;
	return now - job->away_since_ms < AWAY_MAX_MS;
}

/* Asks until the answer is the last one. *status_out says what went wrong. */
static json_t *follow(struct job *job, int *status_out)
{
	json_t *request = request_job(job->number), *reply = NULL;
	char text[PROGRESS_BYTES];
	struct err err;

	for (;;) {
		int64_t begin = clock_ms(), took;

		if (call_make(&job->call, request, &reply, &err) < 0) {
			if (is_away(job)) {
				(void)poll(NULL, 0, AGAIN_MS);
				continue;
			}
			end_progress(job);
			*status_out = say_failure(&err, job->call.status);
			reply = NULL;
			break;
		}
		job->away_since_ms = 0;
		if (!json_is_false(json_object_get(reply, "done")))
			break;
		show_progress(job, values_text(reply, "text", text, sizeof(text)));
		json_decref(reply);
		took = clock_ms() - begin;
		if (took < POLL_MIN_MS)
			(void)poll(NULL, 0, (int)(POLL_MIN_MS - took));
	}
	end_progress(job);
	json_decref(request);
	return reply;
}

static int report(json_t *reply, bool json)
{
	bool success = json_is_true(json_object_get(reply, "success"));
	char text[SAY_TEXT_MAX];

	if (!json_is_true(json_object_get(reply, "done")))
		return say_malformed("its answer does not say whether the job is done");
	if (json) {
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

/* Asks for it. 0 and the job's number, or the exit status. */
static int begin(struct job *job, const struct options *options)
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
	json_decref(request);
	return status;
}

int job_run(const struct options *options)
{
	struct job job = {.may_be_away = strcmp(options->command->name, "upgrade") == 0,
			  .terminal = terminal_is(STDERR_FILENO)};
	json_t *reply;
	int status;

	call_init(&job.call, options->socket);
	status = begin(&job, options);
	if (status != 0)
		return status;
	reply = follow(&job, &status);
	if (reply == NULL)
		return status;
	status = report(reply, options->json);
	json_decref(reply);
	return status;
}
