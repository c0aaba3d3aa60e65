/* SPDX-License-Identifier: MIT */
/* The calls of <preforkd/module.h> that are about the service as a whole. A worker serves one; the master calls one
 * init() at a time. */
#include <preforkd/module.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/signals.h"
#include "board/board.h"
#include "config/config.h"
#include "loader/loader.h"

static const struct config_service *self;
static struct loaded_module *self_module; /* while it is in init() */
static struct board_slot *self_slot;
static char self_reason[256];
static volatile sig_atomic_t timer_due;

void module_self(const struct config_service *service, struct loaded_module *module, struct board_slot *slot)
{
	self = service;
	self_module = module;
	self_slot = slot;
	if (service != NULL)
		self_reason[0] = '\0';
}

const char *module_self_reason(void)
{
	return self_reason;
}

void module_self_fail(const char *text)
{
	(void)snprintf(self_reason, sizeof(self_reason), "%s", text);
}

const char *module_self_name(void)
{
	return self != NULL ? self->name : "";
}

const void *preforkd_options(void)
{
	return self != NULL ? self->options : NULL;
}

void preforkd_count(unsigned index, uint64_t n)
{
	_Atomic uint64_t *counter;

	if (self_slot == NULL || index >= BOARD_COUNTERS)
		return;
	counter = &self_slot->own[index];
	/* one writer: no need for a locked instruction */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

int preforkd_keep(int fd)
{
	if (self_module == NULL || fd < 0 || self_module->n_kept == MODULE_KEPT_MOST)
		return -1;
	self_module->kept[self_module->n_kept++] = fd;
	return 0;
}

static void on_timer(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	timer_due = 1;
}

/* Again and again: one that comes between the look and the wait for a client is made good by the next. */
void module_timer_start(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
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
		preforkd_log(NULL, LOG_ERR, "cannot set a timer");
}

void module_timer(void)
{
	if (!timer_due)
		return;
	timer_due = 0;
	self->handler->timer();
}
