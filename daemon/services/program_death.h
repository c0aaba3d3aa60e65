/* SPDX-License-Identifier: MIT */
/*
 * Worker. The death of a program of exec by a signal, or with another status than 0: noted when the program is reaped,
 * told when the bytes of its connection are known. The log gets one line, and the worker's slot of the board the
 * record that the master reads.
 */
#ifndef PREFORKD_SERVICES_PROGRAM_DEATH_H
#define PREFORKD_SERVICES_PROGRAM_DEATH_H

#include <signal.h>
#include <sys/types.h>

struct preforkd_conn;
struct rusage;

/* The program PID of CONN has died, with INFO and USAGE of waitid(2). conn->death is this death until the next program
 * is started. Returns -1, with the reason, as the result of serving. */
int program_death_note(struct preforkd_conn *conn, pid_t pid, const siginfo_t *info, const struct rusage *usage);

/* Writes conn->death, which may be NULL, into the slot. conn->in and conn->out are complete now. */
void program_death_publish(struct preforkd_conn *conn);

/* The line about conn->death: conn->reason, the details, and TAIL. */
void program_death_log(struct preforkd_conn *conn, int priority, const char *tail);

#endif
