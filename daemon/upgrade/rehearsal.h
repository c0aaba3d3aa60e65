/* SPDX-License-Identifier: MIT */
/*
 * The new binary shows, in a child, that it can take over: it reads what is handed over and the configuration, makes
 * all pools, with a worker of each that proves its set-up, binds what is new and lets it go again, says "." on standard
 * error, and ends. It has as many descriptors as it will have later. How the two images find
 * each other: PREFORKD_HANDOVER is the number of the memfd, PREFORKD_REHEARSAL is set in a rehearsal.
 */
#ifndef PREFORKD_UPGRADE_REHEARSAL_H
#define PREFORKD_UPGRADE_REHEARSAL_H

#include <jansson.h>
#include <stdbool.h>
#include <sysexits.h>

#define REHEARSAL_MS 10000

struct config;
struct err;
struct launch;
struct operations;
struct trial;

/* The old image: starts it; its standard error is what the trial collects. */
int rehearsal_start(struct trial *trial, struct operations *ops, void (*done)(struct trial *trial, void *userdata),
		    void *userdata, struct err *err);

/* For the environment of a new image, and back. */
void rehearsal_export(int handover, bool rehearsal);
void rehearsal_unexport(void);

/* The new image: is this one? */
bool rehearsal_is_one(void);

/* Is this the one that takes over in earnest, and there is no way back? */
bool rehearsal_is_past(void);

/* Then it may wait for something to be put right; -1: it was told to stop. The watchdog is fed. */
int rehearsal_wait(int ms);

/* Did the image before run in the background? Then its standard error is nobody's. */
bool rehearsal_in_background(void);

/* Does it; returns the exit status. CONFIG stays the caller's. */
int rehearsal_run(const struct launch *launch, struct config *config);

/* What was handed over, once: *out is NULL if nothing was. -1 and *err: it cannot be used. */
int rehearsal_handover(json_t **out, struct err *err);

#endif
