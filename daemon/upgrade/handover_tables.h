/* SPDX-License-Identifier: MIT */
/*
 * Master. Which fields of which structs are handed over, and under which names. A new field of one of these structs is
 * lost in an upgrade until it has a row here; tests/unit/upgrade/check_handover_tables.c asks for a decision about each
 * field.
 */
#ifndef PREFORKD_UPGRADE_HANDOVER_TABLES_H
#define PREFORKD_UPGRADE_HANDOVER_TABLES_H

#include "net/listen.h"
#include "upgrade/handover_rows.h"

/* The control socket, as it is handed over. */
struct handover_control {
	int fd;
	char *path; /* owned */
	struct listen_path mark;
};

extern const struct row_table head_table;	   /* struct handover_head */
extern const struct row_table control_table;	   /* struct handover_control */
extern const struct row_table jobs_table;	   /* struct jobs */
extern const struct row_table job_table;	   /* struct job */
extern const struct row_table member_table;	   /* struct member */
extern const struct row_table operation_table;	   /* struct operation, of an order that waits */
extern const struct row_table sources_table;	   /* struct sources */
extern const struct row_table pool_table;	   /* struct pool */
extern const struct row_table service_table;	   /* struct config_service */
extern const struct row_table options_table;	   /* struct socket_options */
extern const struct row_table board_table;	   /* struct board */
extern const struct row_table counts_table;	   /* struct counts */
extern const struct row_table own_count_table;	   /* struct own_count */
extern const struct row_table death_table;	   /* struct death */
extern const struct row_table notify_table;	   /* struct program_notify */
extern const struct row_table listener_table;	   /* struct listener */
extern const struct row_table worker_table;	   /* struct proc */
extern const struct row_table program_table;	   /* struct program */
extern const struct row_table output_table;	   /* struct program_output */
extern const struct row_table worker_output_table; /* struct worker_output */
extern const struct row_table targets_table;	   /* struct pool: the object that pool_targets_write() makes */

#endif
