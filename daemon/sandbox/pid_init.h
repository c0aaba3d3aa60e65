/* SPDX-License-Identifier: MIT */
/* The first process of a pid namespace: a child of a worker. */
#ifndef PREFORKD_SANDBOX_PID_INIT_H
#define PREFORKD_SANDBOX_PID_INIT_H

#include <stdint.h>

struct sandbox;

/* Its answer to its worker: a packet, after its set-up, and one after each order to kill. */
struct pid_init_answer {
	int32_t code; /* errno of what failed; 0: it is done */
	uint32_t killed;
};

/*
 * Right after fork(2): closes all descriptors but CHANNEL, a socket of packets that leads to the worker, mounts /proc,
 * becomes the user of the service with no capability but CAP_KILL, and answers. Then it reaps orphans; each packet of
 * the worker is an order to kill and reap all processes of the namespace. It ends with its worker.
 */
_Noreturn void pid_init_run(const struct sandbox *sandbox, int channel);

#endif
