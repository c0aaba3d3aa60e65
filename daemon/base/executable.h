/* SPDX-License-Identifier: MIT */
/* Any process. Says whether the kernel can run a file, by its first bytes, as execve(2) reads them. */
#ifndef PREFORKD_BASE_EXECUTABLE_H
#define PREFORKD_BASE_EXECUTABLE_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/*
 * 0: the kernel can run the file PATH, or it is not known: this process may not read the file, or a format of its own
 * was registered with the kernel (binfmt_misc). -1 and *err, which does not name PATH: it is neither a program of this
 * machine nor a script with a #! line, or its interpreter is missing. The mode of PATH itself is not looked at.
 */
int executable_check(const char *path, struct err *err);

/* The same of PATH as it is seen by a process whose root folder is the open folder ROOT; -1: the root folder of this
 * process. It also says that PATH itself is missing, is no file or has no x bit. */
int executable_check_in(int root, const char *path, struct err *err);

/* The interpreter that the #! line of PATH names; false: there is none, or it is not known. */
bool executable_interpreter(const char *path, char *out, size_t size);

/* The same for the loader of a dynamically linked program ("/lib64/ld-linux-x86-64.so.2"). */
bool executable_loader(const char *path, char *out, size_t size);

/* For a failed execve(2) of PATH: *err says what CODE, its errno, stands for. The kernel says "No such file" of a
 * file that is there if only its interpreter is missing. Always -1. */
int executable_explain(const char *path, int code, struct err *err);

#endif
