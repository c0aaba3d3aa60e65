/* SPDX-License-Identifier: MIT */
/*
 * Any process. Whether other processes of the same user may look into this one: read and write its memory, attach a
 * debugger, open its descriptors through /proc, get a core of it. Neither the master nor a worker allows it, because
 * they may all have one user. A program that is executed afterwards has the kernel's default again: allowed.
 */
#ifndef PREFORKD_BASE_DUMPABLE_H
#define PREFORKD_BASE_DUMPABLE_H

#include <stdbool.h>

struct err;

/* 0; -1 and *err: a filter of system calls refuses it. While it is off, the files in /proc/self belong to root. */
int dumpable_set(bool on, struct err *err);

#endif
