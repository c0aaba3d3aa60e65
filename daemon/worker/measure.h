/* SPDX-License-Identifier: MIT */
/* Worker. Measures its own memory for workers.max_memory, because the master may not look into it. */
#ifndef PREFORKD_WORKER_MEASURE_H
#define PREFORKD_WORKER_MEASURE_H

struct board_head;
struct board_slot;

/* Once, when the worker starts. */
void measure_init(void);

/* To be called between two clients: writes to SLOT how much memory this worker has, every ten seconds, if HEAD says
 * that there is a limit. The master reads it (pool/recycle.c). */
void measure_memory(const struct board_head *head, struct board_slot *slot);

#endif
