/* SPDX-License-Identifier: MIT */
#include "master/master.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "base/signals.h"
#include "base/title.h"
#include "change/host_limits.h"
#include "change/reload.h"
#include "change/stop.h"
#include "config/config.h"
#include "control/server.h"
#include "fleet/fleet.h"
#include "fleet/orphans.h"
#include "master/report.h"
#include "master/state.h"
#include "master/watchdog.h"
#include "net/inherited.h"
#include "upgrade/upgrade.h"

#define TICK_USEC 1000000

/* ---- events ---- */

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	const struct master *master = userdata;
	pid_t ours[] = {reload_child(master), upgrade_child(master)};

	(void)usec;
	pools_look_after(userdata, true);
	if (master->has_programs)
		(void)adopted_end(master->by_pid, ours, 2);
	report_status(userdata);
	(void)sd_event_source_set_time_relative(source, TICK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* All that have ended, for one signal may stand for many. */
static void reap(struct master *master)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		pools_reaped(master, pid, status);
	pools_look_after(master, false);
}

static int on_child(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	reap(userdata);
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
		stop_begin(master, STOP_AS_SYSTEMD_SAYS, EX_OK);
	return 0;
}

static int on_dump(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	report_dump(userdata);
	return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	(void)reload_request(userdata);
	return 0;
}

static int on_upgrade(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	(void)upgrade_request(userdata);
	return 0;
}

static const struct {
	int sig;
	sd_event_signal_handler_t handler;
} signals[] = {
	{SIGCHLD, on_child}, {SIGTERM, on_stop}, {SIGINT, on_stop},
	{SIGHUP, on_reload}, {SIGUSR1, on_dump}, {SIGUSR2, on_upgrade},
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

/* Whoever started us may have blocked it (fds_drop_quickly()). */
static void unblock_alarm(void)
{
	sigset_t alarm;

	(void)sigemptyset(&alarm);
	(void)sigaddset(&alarm, SIGALRM);
	(void)sigprocmask(SIG_UNBLOCK, &alarm, NULL);
}

static int fail_on_loop(int rc, struct err *err)
{
	errno = -rc;
	return err_sys(err, "cannot set up the event loop");
}

static int make_loop(struct master *master, struct err *err)
{
	int rc = sd_event_new(&master->event);

	for (size_t i = 0; rc >= 0 && i < N_SIGNALS; i++)
		rc = sd_event_add_signal(master->event, NULL, signals[i].sig, signals[i].handler, master);
	/* at once: the first tick starts the pools */
	if (rc >= 0)
		rc = sd_event_add_time_relative(master->event, NULL, CLOCK_MONOTONIC, 0, 1000, on_tick, master);
	if (rc >= 0)
		rc = watchdog_start(master->event);
	return rc >= 0 ? 0 : fail_on_loop(rc, err);
}

/* ---- the whole ---- */

/* Listeners come from the image before this one, from a service manager, or are bound. */
static int open_all(struct master *master, struct err *err)
{
	struct inherited_set inherited;
	int rc;

	master->dead = fd_dead(err);
	if (master->dead < 0 || make_loop(master, err) < 0 || upgrade_resume(master, err) < 0 ||
	    inherited_import(&inherited, err) < 0)
		return -1;
	rc = pools_open(master, &inherited, err);
	if (rc == 0)
		report_leftovers(&inherited);
	inherited_clear(&inherited);
	return rc < 0 ? -1 : server_open(master, err);
}

static void tell_limits(const struct master *master)
{
	json_t *warnings = host_warnings(master, master->generation->config);

	host_tell(warnings);
	json_decref(warnings);
}

static void close_all(struct master *master)
{
	host_forget(master);
	reload_abandon(master, "the daemon stops");
	upgrade_abandon(master);
	server_close(master);
	pools_close(master);
	jobs_clear(&master->jobs);
	json_decref(master->admin.undrain_reasons);
	fd_close(&master->dead);
	generation_unref(&master->reread);
	generation_unref(&master->generation);
	(void)sd_event_source_disable_unref(master->stop_timer); /* holds the loop */
	(void)sd_event_source_disable_unref(master->ending_timer);
	(void)sd_event_source_disable_unref(master->admin.timer);
	(void)sd_event_unref(master->event);
}

int master_run(const struct launch *launch, struct config *config)
{
	struct master master = {
		.launch = launch,
		.generation = generation_new(config, 1),
		.dead = -1,
		.started_ms = clock_ms(),
		.exit_status = EX_OSERR,
	};
	struct log_about about = {.message_id = MESSAGE_ID_START_FAILED};
	struct err err = {.text = "no memory"};
	int rc;

	/* From here on they wait for the loop: a stop during a slow start must not be lost. */
	block_signals();
	signals_harmless();
	unblock_alarm();
	title_prefix("master");
	adopted_init();
	limits_init(&master.unit);
	if (master.generation != NULL)
		tell_limits(&master); /* first: they may be why the rest fails */
	if (master.generation == NULL || open_all(&master, &err) < 0) {
		log_about(LOG_ERR, &about, "%s", err.text);
		stop_leave_listeners(&master);
		close_all(&master);
		return EX_OSERR;
	}
	host_ask(&master);
	reap(&master); /* of another image of this program some may have ended unseen */
	rc = sd_event_loop(master.event);
	if (master.has_programs)
		adopted_end_all(master.by_pid);
	about.message_id = MESSAGE_ID_STOPPED;
	if (rc < 0) {
		log_msg(LOG_ERR, "the event loop failed: %s", strerror(-rc));
		stop_leave_listeners(&master);
	} else {
		log_about(LOG_NOTICE, &about, "stopped");
	}
	close_all(&master);
	return rc < 0 ? EX_OSERR : master.exit_status;
}
