/* SPDX-License-Identifier: MIT */
/*
 * Client. One thread of a load run, with an epoll instance, clients and counts of its own. Threads share only the order
 * to stop and two counters for the progress line.
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

/* Shared by all threads of a run. */
struct load_shared {
	uint64_t begin_ns; /* CLOCK_MONOTONIC */
	atomic_bool stop;
	int stop_fd; /* an eventfd, readable after `stop` was set */
};

struct load_loop {
	const struct load_plan *plan;
	struct load_shared *shared;
	struct load_pace pace;
	unsigned clients;
	uint64_t serial, serial_step;	  /* of the next exchange; threads take turns */
	void (*on_second)(void *context); /* called each second while the loop runs; may be NULL */
	void *context;
	_Atomic uint64_t ok_now, lost_now; /* so far, for the progress line */
	struct load_stats stats;
	struct err err; /* if `failed` */
	bool failed;
	/* Private to the loop. */
	struct load_conn *conns;
	struct load_conn **idle; /* a stack of the clients without an exchange */
	unsigned n_idle, n_active;
	struct load_conn *oldest, *newest; /* the clients with an exchange, in the order of their start */
	uint64_t started;		   /* exchanges */
	uint64_t armed_ns;		   /* what the timer is set to */
	uint64_t next_second_ns;
	int epoll, timer;
};

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t load_loop_now(void);

/* Creates the clients. The caller has filled in all members above "Private". */
int load_loop_init(struct load_loop *loop, struct err *err);

/* Blocks until the plan is done or load_loop_stop() was called. The result is in `stats`, or in `failed` and `err`. A
 * loop that fails stops the others. */
void load_loop_run(struct load_loop *loop);

void load_loop_free(struct load_loop *loop);

/* Ends every loop of the run. Async-signal-safe. */
void load_loop_stop(struct load_shared *shared);

#endif
