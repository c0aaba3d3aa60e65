/* SPDX-License-Identifier: MIT */
#include "change/jobs.h"

#include <stdio.h>

unsigned jobs_new(struct jobs *jobs)
{
	struct job *job;

	if (++jobs->last == 0) /* 0 is no number */
		jobs->last = 1;
	job = &jobs->list[jobs->last % JOBS_KEPT];
	json_decref(job->reasons);
	*job = (struct job){.number = jobs->last};
	return jobs->last;
}

struct job *jobs_find(struct jobs *jobs, unsigned number)
{
	struct job *job = &jobs->list[number % JOBS_KEPT];

	return number != 0 && job->number == number ? job : NULL;
}

bool jobs_any_pending(const struct jobs *jobs)
{
	for (size_t i = 0; i < JOBS_KEPT; i++)
		if (jobs->list[i].number != 0 && !jobs->list[i].done)
			return true;
	return false;
}

void jobs_progress(struct jobs *jobs, unsigned number, const char *text)
{
	struct job *job = jobs_find(jobs, number);

	if (job != NULL && !job->done)
		(void)snprintf(job->text, sizeof(job->text), "%s", text);
}

void jobs_done(struct jobs *jobs, unsigned number, bool success, const char *text, json_t *reasons)
{
	struct job *job = jobs_find(jobs, number);

	if (job == NULL || job->done) {
		json_decref(reasons);
		return;
	}
	job->done = true;
	job->success = success;
	job->reasons = reasons;
	(void)snprintf(job->text, sizeof(job->text), "%s", text);
	if (jobs->on_done != NULL)
		jobs->on_done(jobs->userdata);
}

void jobs_clear(struct jobs *jobs)
{
	for (size_t i = 0; i < JOBS_KEPT; i++)
		json_decref(jobs->list[i].reasons);
	*jobs = (struct jobs){.last = 0};
}
