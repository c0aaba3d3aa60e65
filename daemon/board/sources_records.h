/* SPDX-License-Identifier: MIT */
/*
 * Master and worker. Finds the records of a table of sources: for the files of the table only. A key selects a set, and
 * may have any record of that set. A record is free as soon as all its times are over, whatever key it still has: so
 * nobody has to free it, and a process that is killed between two steps leaks none.
 */
#ifndef PREFORKD_BOARD_SOURCES_RECORDS_H
#define PREFORKD_BOARD_SOURCES_RECORDS_H

#include <stdint.h>

struct source_record;
struct sources;

/* The record of KEY; NULL: it has none. Nobody owns a record: it is valid as long as the table is mapped. */
struct source_record *sources_records_find(const struct sources *sources, uint64_t key);

/* The record of KEY, or a free one that is given to KEY. NULL: all records that KEY may have are taken; that is counted
 * (sources_untracked()). */
struct source_record *sources_records_claim(struct sources *sources, uint64_t key, int64_t now_ns);

#endif
