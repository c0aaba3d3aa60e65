/* SPDX-License-Identifier: MIT */
/*
 * Master. Pools and workers of another image of this program: the image that was replaced by an upgrade has started
 * them, and this image brings them to their end. Such a pool has no generation, and a service of its own (`stand_in`).
 */
#ifndef PREFORKD_POOL_POOL_ADOPT_H
#define PREFORKD_POOL_POOL_ADOPT_H

#include <stdbool.h>
#include <stdint.h>

struct board;
struct err;
struct pool;
struct pool_parts;
struct proc;
struct program;

/* Whether this image reads the memory that the workers of a pool write to. */
struct pool_known {
	bool board, sources;
};

/*
 * Makes a superseded pool without a generation, board or worker. Of PARTS count: event, n_listeners (all closed as yet,
 * for the caller to fill in), totals and sources (the pool takes references), by_pid, dead. The caller fills in
 * pool->stand_in, which is empty. NULL and *err: no resources.
 */
struct pool *pool_adopt(const struct pool_parts *parts, struct err *err);

/*
 * Maps the board that WAS (fd, n_lanes, n_slots) describes, if its layout has our VERSION; WAS->fd is taken over.
 * Otherwise the pool gets a blank board (*known_out is false), and nothing is known of its workers but that they live.
 * -1 and *err: the sizes make no sense, or there is no memory.
 */
int pool_adopt_board(struct pool *pool, const struct board *was, int64_t version, bool *known_out, struct err *err);

/*
 * Adds a worker to POOL, with the fields of WAS that say who it is (pid, lane, slot, seat), since when it runs, and
 * what it was ordered. PROGRAM: NULL, or the worker is a program; then its fields are copied, and OUTPUT, the reading
 * end of its output (-1: lost), is taken over. A worker on a blank board counts as busy until it ends. -1 and *err:
 * these values make no sense, or there is no memory.
 */
int proc_adopt(struct pool *pool, const struct proc *was, const struct program *program, int output,
	       const struct pool_known *known, struct err *err);

#endif
