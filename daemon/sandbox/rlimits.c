/* SPDX-License-Identifier: MIT */
#include "sandbox/rlimits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "config/limit_table.h"
#include "sandbox/state.h"

/* The things that a worker needs within its limits while it serves a client. */
#define SPARE_FILES  8
#define SPARE_MEMORY ((size_t)1 << 20)

static int get_limit(int resource, struct rlimit *out)
{
	return getrlimit((__rlimit_resource_t)resource, out);
}

static int set_limit(int resource, const struct rlimit *limit)
{
	return setrlimit((__rlimit_resource_t)resource, limit);
}

static int fail(const struct prepared_limit *p, const char *what, struct err *err)
{
	char value[32];

	limit_kind_format(p->kind, p->limit.rlim_cur, value, sizeof(value));
	return err_sys(err, "%s = %s: %s", strchr(p->kind->key, '.') + 1, value, what);
}

/*
 * At the hard limit of processor time the kernel kills at once, and SIGKILL tells nobody why. The soft limit is
 * SIGXCPU, which does, so the hard one is a second later, if it may be.
 */
static rlim_t hard_limit(const struct limit_kind *kind, rlim_t soft, rlim_t most)
{
	return kind->resource == RLIMIT_CPU && soft != RLIM_INFINITY && soft < most ? soft + 1 : soft;
}

static int prepare_limit(struct sandbox *sandbox, const struct limit_kind *kind, int64_t number, bool of_worker,
			 struct err *err)
{
	struct prepared_limit *p = &sandbox->limits[sandbox->n_limits++];
	struct rlimit now;

	p->kind = kind;
	p->of_worker = of_worker;
	p->limit.rlim_cur = p->limit.rlim_max = limit_kind_value(kind, number);
	if (get_limit(kind->resource, &now) < 0)
		return fail(p, "cannot read the limit", err);
	p->limit.rlim_max = hard_limit(kind, p->limit.rlim_cur, now.rlim_max);
	if (p->limit.rlim_max <= now.rlim_max)
		return 0;
	now.rlim_max = p->limit.rlim_max;
	if (set_limit(kind->resource, &now) < 0)
		return fail(p, "more than the daemon itself has", err);
	return 0;
}

/* The default, which programs inherit from their worker: a core has the data of clients, and fills the disk. */
static int prepare_no_core(struct sandbox *sandbox, const struct limit_kind *kind, struct err *err)
{
	return prepare_limit(sandbox, kind, 0, true, err);
}

int rlimits_prepare(struct sandbox *sandbox, struct err *err)
{
	sandbox->n_limits = 0;
	for (size_t i = 0; i < LIMIT_KINDS; i++) {
		const struct limit_kind *kind = &limit_kinds[i];
		int64_t number = limit_kind_number(kind, &sandbox->service->limits);
		int rc = 0;

		if (number != CONFIG_UNSET)
			rc = prepare_limit(sandbox, kind, number, !sandbox->runs_programs, err);
		else if (kind->resource == RLIMIT_CORE && sandbox->other_user)
			rc = prepare_no_core(sandbox, kind, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int try_files(void)
{
	int fds[SPARE_FILES], rc = 0, saved;
	size_t n = 0;

	while (n < SPARE_FILES && (fds[n] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) >= 0)
		n++;
	saved = errno;
	if (n < SPARE_FILES)
		rc = -1;
	while (n > 0)
		fd_close(&fds[--n]);
	errno = saved;
	return rc;
}

static int try_memory(void)
{
	void *memory = mmap(NULL, SPARE_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? -1 : munmap(memory, SPARE_MEMORY);
}

/* Tries the soft limit first, which can be taken back, so that the error can be told. */
static int try_limit(const struct prepared_limit *p, struct err *err)
{
	int resource = p->kind->resource, rc = 0;
	struct rlimit before, soft;

	if (get_limit(resource, &before) < 0)
		return fail(p, "cannot read the limit", err);
	soft = (struct rlimit){.rlim_cur = p->limit.rlim_cur, .rlim_max = before.rlim_max};
	if (set_limit(resource, &soft) < 0)
		return fail(p, "cannot set the limit", err);
	if (resource == RLIMIT_NOFILE)
		rc = try_files();
	else if (resource == RLIMIT_AS || resource == RLIMIT_DATA)
		rc = try_memory();
	if (rc == 0)
		return 0;
	rc = fail(p, "too low: the worker itself needs more", err);
	(void)set_limit(resource, &before);
	return rc;
}

int rlimits_set(struct sandbox *sandbox, struct err *err)
{
	for (size_t i = 0; i < sandbox->n_limits; i++) {
		const struct prepared_limit *p = &sandbox->limits[i];

		if (!p->of_worker)
			continue;
		if (p->kind->resource == RLIMIT_CPU)
			(void)signal(SIGXCPU, SIG_DFL); /* workers ignore signals that are nobody's */
		if (try_limit(p, err) < 0)
			return -1;
		if (set_limit(p->kind->resource, &p->limit) < 0)
			return fail(p, "cannot set the limit", err);
	}
	return 0;
}

int rlimits_verify(const struct sandbox *sandbox, struct err *err)
{
	struct rlimit now;

	for (size_t i = 0; i < sandbox->n_limits; i++) {
		const struct rlimit *limit = &sandbox->limits[i].limit;

		if (sandbox->limits[i].of_worker &&
		    (get_limit(sandbox->limits[i].kind->resource, &now) < 0 || now.rlim_cur != limit->rlim_cur ||
		     now.rlim_max != limit->rlim_max))
			return fail(&sandbox->limits[i], "the limit was not set", err);
	}
	return 0;
}

int rlimits_set_program(const struct sandbox *sandbox)
{
	for (size_t i = 0; i < sandbox->n_limits; i++) {
		if (!sandbox->limits[i].of_worker &&
		    set_limit(sandbox->limits[i].kind->resource, &sandbox->limits[i].limit) < 0)
			return -1;
	}
	return 0;
}
