/* SPDX-License-Identifier: MIT */
/*
 * Any process. Control groups of version 2 (cgroups(7)): finds the group of this process, and reads and writes the
 * files of groups. A group is a folder; DIR is a descriptor of one, opened with O_PATH or for reading. Nothing here
 * blocks for longer than the kernel takes.
 */
#ifndef PREFORKD_BASE_CGROUP_H
#define PREFORKD_BASE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* The folder of this process's own group, an absolute path in OUT. /proc is looked for in ROOT, which is "" except in
 * tests. -1 and *err: there is no version 2 here, or its folder cannot be seen. */
int cgroup_find(const char *root, char *out, size_t size, struct err *err);

/* True if the part of the tree from PATH downwards is left to us: systemd has marked it (Delegate=), or the folder
 * belongs to this user, who is not root, and its parent does not. */
bool cgroup_is_delegated(const char *path);

/* The group NAME in DIR, which is made if there is none. Returns a descriptor (O_PATH, close-on-exec), the caller's.
 * *MADE_OUT: it is new; may be NULL. -1 and *err. */
int cgroup_make(int dir, const char *name, bool *made_out, struct err *err);

/* Writes TEXT to FILE of the group. -1 and *err (whose code is the errno). */
int cgroup_write(int dir, const char *file, const char *text, struct err *err);

/* Writes NUMBER; 0 is written as "max". */
int cgroup_write_limit(int dir, const char *file, int64_t number, struct err *err);

/* Reads a small file of the group: OUT is always terminated. -1 with errno. */
ssize_t cgroup_read(int dir, const char *file, char *out, size_t size);

/* The number in a file that has one; -1: there is no such file, or it says "max". */
int64_t cgroup_number(int dir, const char *file);

/* Does a file that is a list of words (cgroup.controllers) have WORD? */
bool cgroup_has_word(int dir, const char *file, const char *word);

/* The number in the line "KEY number" of TEXT, which is what a file of events says; -1: it has no such line. */
int64_t cgroup_event(const char *text, const char *key);

/* Kills all processes in the group and below it, if any, and removes the group, which has no groups in it. False: they
 * have not ended yet, or the kernel refuses: try again later. A group that is not there is removed. */
bool cgroup_end(int dir, const char *name);

#endif
