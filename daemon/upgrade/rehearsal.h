/* SPDX-License-Identifier: MIT */
/*
 * A child of the master. The new binary proves there that it can take over: it reads the handover and the
 * configuration, makes all pools, starts a worker of each that proves its set-up, binds new addresses and lets them go
 * again, and checks that it has descriptors enough. Then it writes "." to standard error and ends. The master collects
 * standard error; a reason for a failure is written there, too.
 */
#ifndef PREFORKD_UPGRADE_REHEARSAL_H
#define PREFORKD_UPGRADE_REHEARSAL_H

#define REHEARSAL_MS 10000

struct config;
struct err;
struct launch;
struct operations;
struct trial;

/* The old image: starts the rehearsal as TRIAL, which collects its standard error. -1 and *err: no resources. */
int rehearsal_start(struct trial *trial, struct operations *ops, void (*done)(struct trial *trial, void *userdata),
		    void *userdata, struct err *err);

/* The new image, if handover_env_is_rehearsal(): rehearses, and returns the exit status. CONFIG stays the caller's. */
int rehearsal_run(const struct launch *launch, struct config *config);

#endif
