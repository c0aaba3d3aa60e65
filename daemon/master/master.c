/* SPDX-License-Identifier: MIT */
#include "master/master.h"

#include <errno.h>
#include <preforkd/module.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/title.h"
#include "config/config.h"
#include "master/adopted.h"
#include "master/report.h"
#include "master/state.h"
#include "master/stop.h"
#include "master/watchdog.h"
#include "net/inherited.h"

#define TICK_USEC 1000000

/* ---- pools ---- */

static int open_pools(struct master *master, struct err *err)
{
	const struct config *config = master->config;
	struct inherited_set inherited;
	struct err why;

	if (inherited_import(&inherited, err) < 0)
		return -1;
	master->pools = calloc(config->n_services, sizeof(*master->pools));
	if (master->pools == NULL) {
		inherited_clear(&inherited);
		return err_set(err, "no memory for %zu services", config->n_services);
	}
	for (size_t i = 0; i < config->n_services; i++) {
		const struct config_service *service = &config->services[i];
		struct listener *listeners;
		size_t n;

		if (listener_open_all(service, &inherited, &listeners, &n, &why) < 0 ||
		    pool_open(&master->pools[i], config, service, listeners, n, &master->by_pid,
			      master->dead, &why) < 0) {
			inherited_clear(&inherited);
			return err_set(err, "service \"%s\": %s", service->name, why.text);
		}
		master->n_pools++;
		if ((service->handler->flags & PREFORKD_COMMAND) != 0)
			master->has_programs = true;
	}
	for (size_t i = 0; i < inherited.n; i++) {
		struct inherited *item = &inherited.items[i];
		char text[ADDR_TEXT_MAX] = "no address";

		if (item->fd < 0)
			continue;
		if (item->addr.len > 0)
			(void)addr_format(&item->addr, text, sizeof(text));
		log_msg(LOG_WARNING, "inherited descriptor %d \"%s\" (%s) is closed: %s", item->fd,
			item->name, text,
			item->unfit != NULL ? item->unfit : "no service listens there");
	}
	inherited_clear(&inherited);
	return 0;
}

static void fail_start(struct master *master, const char *service)
{
	log_msg(LOG_ERR, "service \"%s\": its workers cannot start; giving up", service);
	stop_begin(master, EX_OSERR);
	stop_now(master, "the start failed");
}

static void tell_ready(struct master *master)
{
	master->phase = MASTER_SERVING;
	report_ready(master);
	if (master->when_ready != NULL)
		master->when_ready();
}

/* The start is over when every worker that was started is ready, or as soon as one cannot be. */
static void watch_start(struct master *master)
{
	for (size_t i = 0; i < master->n_pools; i++) {
		if (master->pools[i].failed_start) {
			fail_start(master, master->pools[i].service->name);
			return;
		}
		if (!pool_all_ready(&master->pools[i]))
			return;
	}
	tell_ready(master);
}

static void look_after(struct master *master, struct pool *pool, bool tick)
{
	if (master->phase == MASTER_STOPPING) {
		stop_step(master);
		return;
	}
	(void)pool_look_after(pool, tick);
	if (master->phase == MASTER_STARTING)
		watch_start(master);
}

/* ---- events ---- */

static int on_ring(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct master *master = userdata;

	(void)source;
	(void)revents;
	for (size_t i = 0; i < master->n_pools; i++)
		if (master->pools[i].ring == fd)
			look_after(master, &master->pools[i], false);
	return 0;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct master *master = userdata;

	(void)usec;
	for (size_t i = 0; i < master->n_pools && master->phase != MASTER_STOPPING; i++)
		look_after(master, &master->pools[i], true);
	if (master->has_programs)
		(void)adopted_end(master->by_pid);
	report_status(master);
	(void)sd_event_source_set_time_relative(source, TICK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* All that have ended, for one signal may stand for many. Those that are not in the table were adopted, or were here
 * before us: normal, and nobody's business. */
static int on_child(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct master *master = userdata;
	struct proc *proc;
	int status;
	pid_t pid;

	(void)source;
	(void)info;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		HASH_FIND(by_pid, master->by_pid, &pid, sizeof(pid), proc);
		if (proc == NULL)
			log_msg(LOG_DEBUG, "reaped process %d", (int)pid);
		else
			pool_worker_gone(proc->pool, proc, status);
	}
	if (master->phase == MASTER_STOPPING) {
		stop_step(master);
		return 0;
	}
	for (size_t i = 0; i < master->n_pools && master->phase != MASTER_STOPPING; i++)
		look_after(master, &master->pools[i], false);
	return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct master *master = userdata;

	(void)source;
	(void)info;
	if (master->phase == MASTER_STOPPING)
		stop_now(master, "told to stop again: now");
	else
		stop_begin(master, EX_OK);
	return 0;
}

static int on_dump(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	report_dump(userdata);
	return 0;
}

static const struct {
	int sig;
	sd_event_signal_handler_t handler;
} signals[] = {
	{SIGCHLD, on_child},
	{SIGTERM, on_stop},
	{SIGINT, on_stop},
	{SIGUSR1, on_dump},
};

#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]))

static void block_signals(void)
{
	sigset_t block;

	(void)sigemptyset(&block);
	for (size_t i = 0; i < N_SIGNALS; i++)
		(void)sigaddset(&block, signals[i].sig);
	(void)sigprocmask(SIG_BLOCK, &block, NULL);
}

static int add_sources(struct master *master, struct err *err)
{
	int rc = sd_event_new(&master->event);

	for (size_t i = 0; rc >= 0 && i < N_SIGNALS; i++)
		rc = sd_event_add_signal(master->event, NULL, signals[i].sig, signals[i].handler,
					 master);
	for (size_t i = 0; rc >= 0 && i < master->n_pools; i++)
		rc = sd_event_add_io(master->event, NULL, master->pools[i].ring, EPOLLIN, on_ring,
				     master);
	/* at once: the first tick starts the pools */
	if (rc >= 0)
		rc = sd_event_add_time_relative(master->event, NULL, CLOCK_MONOTONIC, 0, 1000, on_tick,
						master);
	if (rc >= 0)
		rc = watchdog_start(master->event);
	if (rc >= 0)
		return 0;
	errno = -rc;
	return err_sys(err, "cannot set up the event loop");
}

static void close_all(struct master *master)
{
	for (size_t i = 0; i < master->n_pools; i++)
		pool_close(&master->pools[i]);
	free(master->pools);
	fd_close(&master->dead);
	(void)sd_event_source_unref(master->stop_timer); /* holds the loop */
	(void)sd_event_unref(master->event);
}

int master_run(const struct config *config, void (*when_ready)(void))
{
	struct master master = {
		.config = config,
		.when_ready = when_ready,
		.started_ms = clock_ms(),
		.exit_status = EX_OSERR,
	};
	struct err err;
	int rc;

	/* From here on they wait for the loop: a stop during a slow start must not be lost. */
	block_signals();
	signals_harmless();
	title_prefix("master");
	adopted_init();
	master.dead = fd_dead(&err);
	if (master.dead < 0 || open_pools(&master, &err) < 0 || add_sources(&master, &err) < 0) {
		log_msg(LOG_ERR, "%s", err.text);
		close_all(&master);
		return EX_OSERR;
	}
	rc = sd_event_loop(master.event);
	if (master.has_programs)
		adopted_end_all(master.by_pid);
	if (rc < 0)
		log_msg(LOG_ERR, "the event loop failed: %s", strerror(-rc));
	else
		log_msg(LOG_NOTICE, "stopped");
	close_all(&master);
	return rc < 0 ? EX_OSERR : master.exit_status;
}
