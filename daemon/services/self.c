/* SPDX-License-Identifier: MIT */
#include "services/self.h"

#include <errno.h>
#include <preforkd/module.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/signals.h"
#include "board/board.h"
#include "config/config.h"
#include "config/loader.h"

static const struct config_service *self; /* NULL: no service's code runs */
static struct loaded_module *in_init;	  /* collects what init() keeps; NULL outside of init() */
static struct board_slot *own_slot;	  /* a worker's; NULL in the master */
static char reason[256];
static volatile sig_atomic_t timer_due;

void self_set(const struct config_service *service, struct loaded_module *module, struct board_slot *slot)
{
	self = service;
	in_init = module;
	own_slot = slot;
	if (service != NULL)
		reason[0] = '\0';
}

const char *self_reason(void)
{
	return reason;
}

void self_fail(const char *text)
{
	(void)snprintf(reason, sizeof(reason), "%s", text);
}

const char *self_name(void)
{
	return self != NULL ? self->name : "";
}

const void *preforkd_options(void)
{
	return self != NULL ? self->options : NULL;
}

void preforkd_count(unsigned index, uint64_t n)
{
	if (own_slot != NULL && index < BOARD_COUNTERS)
		board_count(&own_slot->own[index], n);
}

int preforkd_keep(int fd)
{
	if (in_init == NULL || fd < 0 || in_init->n_kept == MODULE_KEPT_MOST)
		return -1;
	in_init->kept[in_init->n_kept++] = fd;
	return 0;
}

static void on_timer(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	timer_due = 1;
}

/* Periodic, because a signal that arrives between self_timer_run() and accept(2) wakes nobody: the next one does. */
void self_timer_start(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	const struct log_about about = {.service = self_name(), .worker = getpid()};
	struct itimerspec every;
	timer_t timer;
	long ms;

	if (self == NULL || self->handler->timer == NULL)
		return;
	ms = (long)self->handler->timer_ms;
	every.it_value = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	every.it_interval = every.it_value;
	signals_handle(SIGRTMIN, on_timer);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 || timer_settime(timer, 0, &every, NULL) < 0)
		log_about(LOG_ERR, &about, "cannot set the timer of the module: %s", strerror(errno));
}

void self_timer_run(void)
{
	if (!timer_due)
		return;
	timer_due = 0;
	self->handler->timer();
}
