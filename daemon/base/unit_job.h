/* SPDX-License-Identifier: MIT */
/* Master. Why systemd stops us: for a stop or for a restart. */
#ifndef PREFORKD_BASE_UNIT_JOB_H
#define PREFORKD_BASE_UNIT_JOB_H

enum unit_job {
	UNIT_JOB_NONE, /* we are no unit of systemd */
	UNIT_JOB_STOP,
	UNIT_JOB_RESTART,
	UNIT_JOB_UNKNOWN, /* no answer in time */
};

/* Asks systemd over the bus for the job of our unit (org.freedesktop.systemd1(5)); blocks for UNIT_JOB_MS at most. */
#define UNIT_JOB_MS 1000
enum unit_job unit_job_ask(void);

#endif
