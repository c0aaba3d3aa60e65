/* SPDX-License-Identifier: MIT */
/* Why systemd stops us: a restart comes back, a stop does not. */
#ifndef PREFORKD_BASE_UNIT_JOB_H
#define PREFORKD_BASE_UNIT_JOB_H

enum unit_job {
	UNIT_JOB_NONE, /* we are no unit of systemd's */
	UNIT_JOB_STOP,
	UNIT_JOB_RESTART,
	UNIT_JOB_UNKNOWN, /* it did not say in time */
};

/* Asks systemd for the job of our unit, over the bus (org.freedesktop.systemd1(5)); blocks for UNIT_JOB_MS at most. */
#define UNIT_JOB_MS 1000
enum unit_job unit_job_ask(void);

#endif
