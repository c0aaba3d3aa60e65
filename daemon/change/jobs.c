/* SPDX-License-Identifier: MIT */
#include "change/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

static struct job *find_open(const struct jobs *jobs, unsigned number)
{
	struct job *job;

	LL_FOREACH (jobs->open, job)
		if (job->number == number)
			return job;
	return NULL;
}

static struct job *open_job(struct jobs *jobs, unsigned number)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->number = number;
	LL_APPEND(jobs->open, job);
	return job;
}

/* Clears the oldest record of the ring, for a new one. */
static struct job *take_done_record(struct jobs *jobs)
{
	struct job *place = &jobs->done[jobs->n_done++ % JOBS_KEPT];

	json_decref(place->reasons);
	*place = (struct job){0};
	return place;
}

unsigned jobs_new(struct jobs *jobs)
{
	if (++jobs->last == 0) /* 0 means that there is no job */
		jobs->last = 1;
	return open_job(jobs, jobs->last) != NULL ? jobs->last : 0;
}

const struct job *jobs_find(const struct jobs *jobs, unsigned number)
{
	const struct job *job = number != 0 ? find_open(jobs, number) : NULL;

	for (size_t i = 0; job == NULL && number != 0 && i < JOBS_KEPT; i++)
		if (jobs->done[i].number == number)
			job = &jobs->done[i];
	return job;
}

bool jobs_any_pending(const struct jobs *jobs)
{
	return jobs->open != NULL;
}

void jobs_progress(struct jobs *jobs, unsigned number, const char *text)
{
	struct job *job = find_open(jobs, number);

	if (job != NULL)
		(void)snprintf(job->text, sizeof(job->text), "%s", text);
}

void jobs_done(struct jobs *jobs, unsigned number, bool success, const char *text, json_t *reasons)
{
	struct job *job = find_open(jobs, number), *place;

	if (job == NULL) {
		json_decref(reasons);
		return;
	}
	LL_DELETE(jobs->open, job);
	place = take_done_record(jobs);
	*place = (struct job){.number = number, .done = true, .success = success, .reasons = reasons};
	(void)snprintf(place->text, sizeof(place->text), "%s", text);
	free(job);
	jobs->has_news = true;
}

int jobs_restore(struct jobs *jobs, const struct job *job)
{
	struct job *place;

	if (job->number == 0 || jobs_find(jobs, job->number) != NULL)
		return 0;
	place = job->done ? take_done_record(jobs) : open_job(jobs, job->number);
	if (place == NULL)
		return -1;
	place->number = job->number;
	place->done = job->done;
	place->success = job->success;
	place->reasons = json_incref(job->reasons);
	(void)snprintf(place->text, sizeof(place->text), "%s", job->text);
	return 0;
}

void jobs_clear(struct jobs *jobs)
{
	struct job *job, *next;

	LL_FOREACH_SAFE(jobs->open, job, next)
	{
		json_decref(job->reasons);
		free(job);
	}
	for (size_t i = 0; i < JOBS_KEPT; i++)
		json_decref(jobs->done[i].reasons);
	*jobs = (struct jobs){.last = 0};
}
