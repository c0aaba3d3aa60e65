/* SPDX-License-Identifier: MIT */
/*
 * Master, and a child of it. Memory that the child fills, and that the master then has at the same address, so that
 * pointers in it hold. It is a memfd. The child alone maps it writable; the master reserves the address before the
 * fork, seals the memfd when the child has ended, and maps it for reading. A process that still had it mapped writable
 * would make the sealing fail. Workers, forked from the master later, share these pages and cannot change them.
 */
#ifndef PREFORKD_BASE_REGION_H
#define PREFORKD_BASE_REGION_H

#include <stdbool.h>
#include <stddef.h>

struct err;

struct region {
	void *at; /* NULL: there is none */
	size_t size;
	int fd; /* of the memfd; -1 once the master has taken the region */
};

/* Master, before the fork: reserves addresses for as much as can be had, 64 MiB to 4 GiB. -1 and *err: no resources. */
int region_reserve(struct region *region, struct err *err);

/* Master, after the fork: other children do not inherit the reserved addresses. */
void region_hide(const struct region *region);

/* Child: maps the region, all zero, for writing. */
int region_map(const struct region *region, struct err *err);

/* Child, at the end: the first SIZE bytes are what it gives. */
int region_give(const struct region *region, size_t size, struct err *err);

/* Master: the child has ended. Seals the memfd and maps what the child has given, for reading; region->size becomes its
 * size, in whole pages. On an error the region is freed. */
int region_take(struct region *region, struct err *err);

/* Master: allows writing to a region that was taken, in this process only, or forbids it again. */
int region_allow_writing(const struct region *region, bool allow, struct err *err);

/* Gives the memory and the addresses back, in any state. May be called twice. */
void region_free(struct region *region);

#endif
