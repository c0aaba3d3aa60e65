/* SPDX-License-Identifier: MIT */
/*
 * One thread of a load run: one epoll, its own clients, its own counts. It shares nothing with other
 * threads but the signal to stop and two numbers for those who look on.
 */
#ifndef PREFORKD_CLIENT_LOAD_LOOP_H
#define PREFORKD_CLIENT_LOAD_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "load_pace.h"
#include "load_stats.h"

struct load_conn;
struct load_plan;

/* What all threads of a run see. */
struct load_shared {
	uint64_t begin_ns; /* CLOCK_MONOTONIC */
	atomic_bool stop;
	int stop_fd; /* an eventfd, readable once stop is set */
};

struct load_loop {
	const struct load_plan *plan;
	struct load_shared *shared;
	struct load_pace pace;
	unsigned clients;
	uint64_t serial, serial_step; /* of the next exchange; threads take turns */
	/* Called each second while the loop runs, if not NULL. */
	void (*on_second)(void *context);
	void *context;
	_Atomic uint64_t ok_now, lost_now; /* for those who look on */
	struct load_stats stats;
	struct err err; /* if it failed */
	bool failed;
	/* The loop's own. */
	struct load_conn *conns;
	struct load_conn **idle; /* a stack of those without an exchange */
	unsigned n_idle, n_active;
	struct load_conn *oldest, *newest; /* the active ones, in the order of their start */
	uint64_t started;		   /* exchanges */
	uint64_t armed_ns;		   /* what the timer is set to */
	uint64_t next_second_ns;
	int epoll, timer;
};

/* Nanoseconds of the clock that all of this goes by. */
uint64_t load_loop_now(void);

/* Makes the clients. Everything above "the loop's own" is filled in before. */
int load_loop_init(struct load_loop *loop, struct err *err);

/* Runs to the end of its plan, or until told to stop. The result is in stats, or in failed and err;
 * a loop that fails stops the others. */
void load_loop_run(struct load_loop *loop);

void load_loop_free(struct load_loop *loop);

/* Ends every loop. May be called from a signal handler. */
void load_loop_stop(struct load_shared *shared);

#endif
