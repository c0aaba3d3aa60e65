/* SPDX-License-Identifier: MIT */
#include "load_run.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "base/err.h"
#include "base/fds.h"
#include "load_loop.h"
#include "load_plan.h"
#include "load_stats.h"
#include "progress.h"

#define FDS_RESERVED   16 /* descriptors that are not clients' */
#define FDS_OF_THREADS 2

struct run {
	const struct load_plan *plan;
	struct load_shared shared;
	struct load_loop *loops; /* plan->threads of them */
	pthread_t *threads;	 /* loop 0 runs in the calling thread */
	unsigned n_loops, n_threads;
};

static struct load_shared *interruptible;

static void on_interrupt(int signo)
{
	(void)signo;
	load_loop_stop(interruptible);
}

/* Each client needs a descriptor. Raises the hard limit, too, if that is permitted. */
static int allow_descriptors(const struct load_plan *plan, struct err *err)
{
	rlim_t wanted = (rlim_t)plan->clients + FDS_RESERVED + FDS_OF_THREADS * plan->threads;
	struct rlimit limit, raised;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(err, "cannot read the limit of open files");
	if (limit.rlim_cur >= wanted)
		return 0;
	raised = (struct rlimit){.rlim_cur = wanted, .rlim_max = limit.rlim_max};
	if (raised.rlim_max < wanted)
		raised.rlim_max = wanted;
	if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
		return 0;
	return err_set(err,
		       "%u clients need %llu descriptors, but the limit of open files "
		       "(RLIMIT_NOFILE) is %llu; `ulimit -Hn' or LimitNOFILE= raises it",
		       plan->clients, (unsigned long long)wanted, (unsigned long long)limit.rlim_max);
}

static int catch_signals(struct run *run, struct err *err)
{
	struct sigaction action = {.sa_handler = on_interrupt};

	interruptible = &run->shared;
	if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0)
		return err_sys(err, "cannot catch signals");
	return 0;
}

static void release_signals(void)
{
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	interruptible = NULL;
}

static uint64_t timeval_ns(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000000000U + (uint64_t)tv.tv_usec * 1000U;
}

static void account_cpu(struct load_stats *stats, const struct rusage *before)
{
	struct rusage after;

	if (getrusage(RUSAGE_SELF, &after) < 0)
		return;
	stats->cpu_user_ns = timeval_ns(after.ru_utime) - timeval_ns(before->ru_utime);
	stats->cpu_system_ns = timeval_ns(after.ru_stime) - timeval_ns(before->ru_stime);
}

/* Part I of N parts that are as equal as possible. */
static uint64_t get_share(uint64_t whole, unsigned i, unsigned n)
{
	return whole / n + (i < whole % n ? 1 : 0);
}

static int set_up_loop(struct run *run, unsigned i, struct err *err)
{
	const struct load_plan *plan = run->plan;
	unsigned n = plan->threads;
	struct load_loop *loop = &run->loops[run->n_loops++];

	*loop = (struct load_loop){
		.plan = plan,
		.shared = &run->shared,
		.pace = {.rate = plan->rate / n,
			 .total = plan->total > 0 ? get_share(plan->total, i, n) : UINT64_MAX,
			 .duration_ns = plan->duration_ns},
		.clients = (unsigned)get_share(plan->clients, i, n),
		.serial = i,
		.serial_step = n,
		.epoll = -1,
		.timer = -1,
	};
	if (plan->rate > 0)
		loop->pace.first_ns = (uint64_t)(i * 1e9 / plan->rate);
	return load_loop_init(loop, err);
}

static int set_up_run(struct run *run, struct err *err)
{
	unsigned i, n = run->plan->threads;

	run->shared.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (run->shared.stop_fd < 0)
		return err_sys(err, "cannot make an event");
	run->loops = calloc(n, sizeof(*run->loops));
	run->threads = calloc(n, sizeof(*run->threads));
	if (run->loops == NULL || run->threads == NULL)
		return err_sys(err, "no memory for %u threads", n);
	if (allow_descriptors(run->plan, err) < 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (set_up_loop(run, i, err) < 0)
			return -1;
	}
	return catch_signals(run, err);
}

static void tear_down_run(struct run *run)
{
	unsigned i;

	release_signals();
	for (i = 0; i < run->n_loops; i++)
		load_loop_free(&run->loops[i]);
	free(run->loops);
	free(run->threads);
	fd_close(&run->shared.stop_fd);
}

static void *thread_main(void *arg)
{
	load_loop_run(arg);
	return NULL;
}

/* Starts the other threads, which block all signals: the first thread takes them. */
static int start_threads(struct run *run, struct err *err)
{
	sigset_t all, before;
	int rc = 0;
	unsigned i;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	for (i = 1; i < run->n_loops && rc == 0; i++) {
		rc = pthread_create(&run->threads[i], NULL, thread_main, &run->loops[i]);
		if (rc == 0)
			run->n_threads++;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		return 0;
	load_loop_stop(&run->shared);
	return err_set(err, "cannot start thread %u", i);
}

static void join_threads(struct run *run)
{
	unsigned i;

	for (i = 1; i <= run->n_threads; i++)
		(void)pthread_join(run->threads[i], NULL);
}

/* Runs all loops until they end. */
static int run_loops(struct run *run, struct err *err)
{
	struct progress progress = {.loops = run->loops, .n = run->n_loops};
	int rc;
	unsigned i;

	run->shared.begin_ns = load_loop_now();
	if (progress_begin(&progress)) {
		run->loops[0].on_second = progress_show;
		run->loops[0].context = &progress;
	}
	rc = start_threads(run, err);
	if (rc == 0)
		load_loop_run(&run->loops[0]);
	join_threads(run);
	progress_end(&progress);
	for (i = 0; i < run->n_loops && rc == 0; i++) {
		if (run->loops[i].failed) {
			*err = run->loops[i].err;
			rc = -1;
		}
	}
	return rc;
}

int load_run(const struct load_plan *plan, struct load_stats *stats, struct err *err)
{
	struct run run = {.plan = plan, .shared.stop_fd = -1};
	struct rusage before;
	unsigned i;
	int rc = set_up_run(&run, err);

	if (rc == 0) {
		(void)getrusage(RUSAGE_SELF, &before);
		rc = run_loops(&run, err);
		account_cpu(stats, &before);
		for (i = 0; i < run.n_loops; i++)
			load_stats_merge(stats, &run.loops[i].stats);
	}
	tear_down_run(&run);
	return rc;
}
